-- The three tanks of tests/bench/models/three_tanks.lua in plain Lua, for lua5.4 and luajit: loops over arrays, locals for everything.
-- Prints the levels of the last twin after 100 steps, and the nanoseconds per twin and step of the best of several runs.
local twins, runs = tonumber(arg[1]), tonumber(arg[2])
local sqrt, clock = math.sqrt, os.clock
local G, H = 9.80665, 0.1

local function array(value)
  local values = {}
  for i = 1, twins do values[i] = value * (1 + 1e-4 * ((i - 1) % 64)) end
  return values
end

local A, B, C = array(0.5), array(0.4), array(0.3)
local area_a, area_b, area_c = array(1.0), array(1.5), array(2.0)
local orifice_a, orifice_b, orifice_c = array(0.01), array(0.012), array(0.014)
local inflow = array(0.03)

local function step()
  for i = 1, twins do
    local a, b, c, q = A[i], B[i], C[i], inflow[i]
    local aa, ab, ac, oa, ob, oc = area_a[i], area_b[i], area_c[i], orifice_a[i], orifice_b[i], orifice_c[i]

    local first, second, third = oa * sqrt(2 * G * (a > 1e-3 and a or 1e-3)), ob * sqrt(2 * G * (b > 1e-3 and b or 1e-3)), oc * sqrt(2 * G * (c > 1e-3 and c or 1e-3))
    local a1, b1, c1 = (q - first) / aa, (first - second) / ab, (second - third) / ac

    local x, y, z = a + H / 2 * a1, b + H / 2 * b1, c + H / 2 * c1
    first, second, third = oa * sqrt(2 * G * (x > 1e-3 and x or 1e-3)), ob * sqrt(2 * G * (y > 1e-3 and y or 1e-3)), oc * sqrt(2 * G * (z > 1e-3 and z or 1e-3))
    local a2, b2, c2 = (q - first) / aa, (first - second) / ab, (second - third) / ac

    x, y, z = a + H / 2 * a2, b + H / 2 * b2, c + H / 2 * c2
    first, second, third = oa * sqrt(2 * G * (x > 1e-3 and x or 1e-3)), ob * sqrt(2 * G * (y > 1e-3 and y or 1e-3)), oc * sqrt(2 * G * (z > 1e-3 and z or 1e-3))
    local a3, b3, c3 = (q - first) / aa, (first - second) / ab, (second - third) / ac

    x, y, z = a + H * a3, b + H * b3, c + H * c3
    first, second, third = oa * sqrt(2 * G * (x > 1e-3 and x or 1e-3)), ob * sqrt(2 * G * (y > 1e-3 and y or 1e-3)), oc * sqrt(2 * G * (z > 1e-3 and z or 1e-3))
    local a4, b4, c4 = (q - first) / aa, (first - second) / ab, (second - third) / ac

    A[i] = a + (a1 + 2 * (a2 + a3) + a4) * (H / 6)
    B[i] = b + (b1 + 2 * (b2 + b3) + b4) * (H / 6)
    C[i] = c + (c1 + 2 * (c2 + c3) + c4) * (H / 6)
  end
end

for _ = 1, 100 do step() end
local levels = string.format("%.17g %.17g %.17g", A[twins], B[twins], C[twins])

local best = math.huge
for _ = 1, runs do
  local start = clock()
  for _ = 1, 100 do step() end
  best = math.min(best, (clock() - start) / 100 / twins * 1e9)
end
print(levels, string.format("%.3f", best))
