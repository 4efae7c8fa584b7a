-- Robertson's reaction: three species whose rates differ by nine powers of ten, the classical stiff problem.
-- Equations: Robertson, The solution of a set of reaction rate equations (1966); Hairer and Wanner, Solving Ordinary Differential
-- Equations II, IV.1; the same as the example cvRoberts_dns of SUNDIALS.
-- Left out: units; time is in seconds because a rate has to be per something. It starts behind the transient, as at t = 0.4.
-- tests/bench/hand_steps.c is this model in C.
return model "robertson" {
  doc = "Robertson's reaction",
  stepper = "rosenbrock",
  params = { slow = { 0.04, "1/s" }, back = { 1e4, "1/s" }, fast = { 3e7, "1/s" } },
  states = { y1 = { 0.985172, "1" }, y2 = { 3.3864e-5, "1" }, y3 = { 0.014794, "1" } },
  equations = function(t)
    local first, second, third = t.slow * t.y1, t.back * t.y2 * t.y3, t.fast * t.y2 ^ 2
    t.y1.rate = second - first
    t.y2.rate = first - second - third
    t.y3.rate = third
  end,
}
