-- The outlet of a basin clogs (twins/plants/waterworks.lua): does it run over, and do the plant's own handlers keep it from that?
-- The controller of the plant acts in all cases, as it does in the PLC; the handlers, which answer alarms with commands, in the second alone.
return scenario "clog" {
  doc     = "An hour with the outlet of basin_b clogging after ten minutes",
  horizon = 3600,
  points  = 60,
  members = 256,
  tags    = { "basin_b.level", "well_b.speed_order", "clear.level" },
  control = true,

  changes = { ["basin_b.discharge"] = { { 600, 0.24 } } },

  alternatives = {
    { name = "handled", doc = "and what the plant's handlers do about it", handlers = true },
  },
}
