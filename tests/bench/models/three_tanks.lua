-- Three tanks in a row, each draining into the next through an orifice.
-- Equations: mass balance and Torricelli's law (White, Fluid Mechanics, chapter 3).
-- Square roots and divisions: what costs most on any processor. One gauge, in the last tank, sees all three.
-- Left out: everything that the library's models have beside their equations, so that code by hand can do the same work.
-- tests/bench/hand_steps.c and tests/bench/hand_filter.c are this model in C.
local function drain(orifice, level)
  return orifice * sqrt(2 * g * max(level, quantity(1, "mm")))
end

return model "three_tanks" {
  doc = "Three tanks in a row",
  params = {
    area_a = { 1.0, "m^2" }, area_b = { 1.5, "m^2" }, area_c = { 2.0, "m^2" },
    orifice_a = { 0.01, "m^2" }, orifice_b = { 0.012, "m^2" }, orifice_c = { 0.014, "m^2" },
  },
  inputs = { inflow = { 0.03, "m^3/s" } },
  states = {
    a = { 0.5, "m", noise = 1e-3, sd = 0.1 },
    b = { 0.4, "m", noise = 1e-3, sd = 0.1 },
    c = { 0.3, "m", noise = 1e-3, sd = 0.1 },
  },
  equations = function(t)
    local first, second, third = drain(t.orifice_a, t.a), drain(t.orifice_b, t.b), drain(t.orifice_c, t.c)
    t.a.rate = (t.inflow - first) / t.area_a
    t.b.rate = (first - second) / t.area_b
    t.c.rate = (second - third) / t.area_c
  end,
  sensors = { gauge = { of = "c", noise = 0.01, unit = "m", every = 1 } },
}
