-- Three lithium-ion cells in series, as in a tool or a drone: one current flows through all of them, and neighbours warm each other.
-- Equations: each cell is the model "battery"; Kirchhoff's laws join their circuits, and Fourier's law their heat, one conductance from cell to cell.
-- A worked example of a model that is built of parts: what a cell is, measures and suffers is written in battery.lua alone.
-- Left out: balancing resistors, the wiring of the pack (count it to the cells), the heat that its case stores. Step: up to 10 s.
return model "battery_pack" {
  doc = "Three lithium-ion cells in series that warm each other",

  params = {
    capacity  = { 0.85, "A.h", min = 1e-3, doc = "of every cell" },
    R_air     = { 25, "K/W", min = 0.01, doc = "from a cell to the air" },
    G_between = { 0.05, "W/K", min = 0, max = 10, doc = "heat that passes from a cell to its neighbour" },
  },

  inputs = {
    current   = { 0, "A", min = -20, max = 20, doc = "positive when the pack is discharged" },
    T_ambient = { 25, "degC", min = -40, max = 80, doc = "air in the case" },
  },

  parts = {
    cell_1 = { "battery", capacity = "capacity", R_thermal = "R_air" },
    cell_2 = { "battery", capacity = "capacity", R_thermal = "R_air" },
    cell_3 = { "battery", capacity = "capacity", R_thermal = "R_air" },
  },

  equations = function(t)
    local cells = { t.cell_1, t.cell_2, t.cell_3 }
    for i, cell in ipairs(cells) do
      local before, after = cells[i - 1] or cell, cells[i + 1] or cell
      local passed = t.G_between * (before.T_cell + after.T_cell - 2 * cell.T_cell)
      cell.current   = t.current
      cell.T_ambient = t.T_ambient + t.R_air * passed  -- what comes from the neighbours is felt as warmer air
    end

    local a, b, c = t.cell_1.voltage, t.cell_2.voltage, t.cell_3.voltage
    t.voltage = output(a + b + c, "V", "at the terminals of the pack")
    t.spread  = output(max(a, max(b, c)) - min(a, min(b, c)), "mV", "between the best and the worst cell")
    t.charge  = output(min(t.cell_1.charge, min(t.cell_2.charge, t.cell_3.charge)), "1", "of the weakest cell: it ends the discharge")
  end,

  sensors = {
    terminals = { of = "voltage", noise = 5, unit = "mV", every = 1, doc = "voltage of the pack as the load sees it" },
  },

  alarms = {
    unbalanced = { high = { "spread", 100 }, hysteresis = 20, hold = 60, severity = "warning" },
  },

  faults = {
    covered        = { value = "R_air", factor = 4, doc = "something covers the vents" },
    terminals_high = { sensor = "terminals", kind = "bias", size = 100, doc = "the divider at the terminals has aged" },
  },

  -- settle: as for one cell
  divergence = { settle = 450, false_alarm_days = 30 },
}
