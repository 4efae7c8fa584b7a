-- One site of the storage fleet and two of its cells, without its air conditioner (twins/plants/fleet.lua).
-- A forecast takes the twins that it names and those that feed them, here three of a hundred and one thousand: the other sites do not matter.
-- The site discharges at a high load on a warm day; the alternatives lose the cooling after five minutes, at full load and at half of it.
return scenario "cooling" {
  doc     = "An hour of discharging, with the cooling lost",
  horizon = 3600,
  points  = 60,
  members = 512,
  tags    = { "site_0777.T_air", "cell_077601.T_cell", "cell_077650.voltage" },

  changes = { ["site_0777.load"] = 90, ["site_0777.T_outdoor"] = 32 },

  alternatives = {
    { name = "cooling lost", changes = { ["site_0777.G_cool"] = { { 300, 1 } } } },
    { name = "half load", doc = "and the load halved five minutes later",
      changes = { ["site_0777.G_cool"] = { { 300, 1 } }, ["site_0777.load"] = { { 0, 90 }, { 600, 45 } } } },
  },
}
