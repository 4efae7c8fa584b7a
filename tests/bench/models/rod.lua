-- A rod of 20 cells between two cold ends: linear, and large for a twin.
-- Equations: heat conduction by central differences.
-- Left out: everything else; the conductance is a parameter, so that the Jacobian is not a table of constants.
-- tests/bench/hand_steps.c is this model in C.
return model "rod" {
  doc = "Heat conduction in a rod",
  params = { conductance = { 0.3, "1/s" } },
  states = { T = { 1, "K", count = 20, noise = 1e-3, sd = 1 } },
  equations = function(t)
    local cold = quantity(0, "K")
    for i = 1, #t.T do
      local before, after = i > 1 and t.T[i - 1] or cold, i < #t.T and t.T[i + 1] or cold
      t.T[i].rate = t.conductance * (before + after - 2 * t.T[i])
    end
  end,
}
