-- Five times three tanks (tests/bench/models/three_tanks.lua), in real time: what tests/bench/bench_live.c looks ahead of while it ticks.
return plant "five_tanks" {
  step   = 0.1,
  wait   = 0,
  assets = { a = { "three_tanks" }, b = { "three_tanks" }, c = { "three_tanks" }, d = { "three_tanks" }, e = { "three_tanks" } },
}
