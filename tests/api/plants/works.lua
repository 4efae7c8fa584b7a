-- What the interface is tried on: two tanks, one of which feeds the other, and a device that obeys.
return plant "works" {
  doc     = "Two tanks",
  step    = 0.1,
  clock   = "provider",
  assets  = { tank1 = { "tank", at = { 1, 2, 3 } }, tank2 = { "tank" } },
  connect = { ["tank1.outflow"] = "tank2.inflow" },
  gate    = { fail_safe = { ["tank2.valve"] = 0 } },
  emulate = {
    control = function(device) device["tank1.inflow"] = device["tank1.valve"] / 100 end,
  },
}
