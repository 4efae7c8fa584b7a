-- One incubator on a bench, its recordings, and its emulation (scripts/run incubator).
-- When the twin finds that the whole process has parted from the model, somebody has opened the lid: the heater is held
-- off until twin and box agree again.
-- Recordings: the INTO-CPS Association's incubator, data sets 20200917, 20200918 and 20210122.
-- The emulated box is the model itself with other numbers, a thermostat, and a lid that is opened now and then.

-- the thermostat in the device: between 35 and 45 degC, unless it is told to keep off
local function thermostat(device)
  if device["incubator.heater_enable"] < 0.5 or device["incubator.t3"] > 45 then
    device["incubator.heater_on"] = 0
  elseif device["incubator.t3"] < 35 then
    device["incubator.heater_on"] = 1
  end
end

return plant "incubator" {
  doc   = "A real incubator and its twin",
  step  = 0.5,
  clock = "provider",      -- time is what the device has sent up to, so a recording can be played at any speed

  assets = {
    incubator = { "incubator", at = { 0, 0, 0 } },
  },

  -- the columns of the recordings
  tape = {
    time = "time",
    columns = {
      ["incubator.T_room"]    = { "t1", time = "time_t1", unit = "degC" },
      ["incubator.t2"]        = { "t2", time = "time_t2", unit = "degC" },
      ["incubator.t3"]        = { "t3", time = "time_t3", unit = "degC" },
      ["incubator.heater_on"] = { "heater_on" },
    },
  },

  on = {
    divergence = function(event)
      local heater = event.twin .. ".heater_enable"
      if event.state == "returned" then
        command(heater, 1, { reason = "twin and box agree again" })
      elseif event.kind == "process" then
        command(heater, 0, { reason = "the lid is open" })
      end
    end,
  },

  control = every(3, thermostat),  -- in forecasts that want it: 3 s lie between two samples of the device

  emulate = {
    -- what differs from the model: nobody's twin is perfect
    values = { ["incubator.G_box"] = 0.8, ["incubator.T_room"] = 22, ["incubator.T_box"] = 24, ["incubator.T_heater"] = 24,
               ["incubator.T_t2"] = 24, ["incubator.T_t3"] = 24 },

    -- somebody opens the lid for a minute, ten minutes after the start and every ten minutes from then on
    faults = {
      lid = { fault = "incubator.lid", at = 600, lasts = 60, every = 600 },
    },

    control = thermostat,
  },
}
