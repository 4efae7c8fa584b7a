-- What is pushed is tried on: nobody emulates this tank, its level comes by request.
return plant "pushed" {
  step       = 0.1,
  wait       = 0.2,
  lag        = 60,
  assets     = { tank1 = { "tank" }, tank2 = { "tank" } },
  connectors = { web = { "http" } },
  bind       = {
    ["tank1.gauge"] = { "web", measurement = "tank", field = "level", tags = { id = "1" }, unit = "cm" },
    ["tank2.gauge"] = { "web", unit = "cm" },
  },
}
