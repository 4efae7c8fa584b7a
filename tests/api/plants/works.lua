-- What the interface is tried on: two tanks, one of which feeds the other, and a device that obeys.
local function controller(device) device["tank1.inflow"] = device["tank1.valve"] / 100 end

return plant "works" {
  doc     = "Two tanks",
  step    = 0.1,
  clock   = "provider",
  assets  = { tank1 = { "tank", at = { 1, 2, 3 } }, tank2 = { "tank" } },
  connect = { ["tank1.outflow"] = "tank2.inflow" },
  gate    = { fail_safe = { ["tank2.valve"] = 0 } },
  control = controller,
  -- what never happens to the emulated plant
  on      = { every(1, function() if value("tank2.level") > 200 then command("tank1.valve", 0) end end) },
  emulate = { control = controller },
}
