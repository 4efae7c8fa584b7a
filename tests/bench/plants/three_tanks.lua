-- Three tanks in a row (tests/bench/models/three_tanks.lua), to be forecast: what tests/bench/bench_forecast.c does by hand too.
return plant "three_tanks" {
  step   = 0.1,
  clock  = "provider",
  assets = { tanks = { "three_tanks" } },
}
