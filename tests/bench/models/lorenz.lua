-- The Lorenz system: chaotic, and nothing but cheap arithmetic.
-- Equations: Lorenz, Deterministic nonperiodic flow, J. Atmos. Sci. 20 (1963), with the coefficients of GPUODEBenchmarks
-- (github.com/utkarsh530/GPUODEBenchmarks, GPU_ODE_Julia/bench_cpu.jl): rho is what its trajectories differ in.
-- Left out: units; time is in seconds because a rate has to be per something.
-- tests/bench/hand_steps.c is this model in C.
return model "lorenz" {
  doc = "Lorenz 1963",
  params = { rho = { 21, "1" } },
  states = { x = { 1, "1" }, y = { 0.5, "1" }, z = { 0.5, "1" } },
  equations = function(t)
    local s = quantity(1, "s")
    t.x.rate = 10 * (t.y - t.x) / s
    t.y.rate = (t.rho * t.x - t.y - t.x * t.z) / s
    t.z.rate = (t.x * t.y - 2.666 * t.z) / s
  end,
}
