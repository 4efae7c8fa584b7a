-- A circle whose frequency depends on its radius: nonlinear and coupled, with a known answer.
-- From (1, 0) the solution is (cos t, sin t).
-- Used to measure the order of the steppers.
return model "spiral" {
  doc = "A circle",
  states = { x = { 1, "1" }, y = { 0, "1" } },
  equations = function(t)
    local frequency = (t.x ^ 2 + t.y ^ 2) / quantity(1, "s")
    t.x.rate = -frequency * t.y
    t.y.rate = frequency * t.x
  end,
}
