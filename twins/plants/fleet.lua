-- Stationary storage: a thousand sites with a string of a hundred cells each, 100,000 twins of batteries and their sites, live on two cores.
-- A site says the current of its string and the air around it, which connections carry to its cells; a cell says its voltage and temperature
-- once a minute, cells taking turns. Only what somebody looks at is shown, and estimates of a few cells alone are recorded: samples always are. No two cells have the same capacity, resistances and place by their number.
-- The emulated fleet is these models with one aged cell per site, on days of charging and discharging, and faults in a few cells.
local sites, cells = 1000, 100

local function site_name(site) return string.format("site_%04d", site) end
local function cell_name(site, cell) return string.format("cell_%06d", (site - 1) * cells + cell) end

-- sites on a map of 40 by 25, their cells in squares of ten by ten (m)
local function place(site, cell)
  local column, row = (site - 1) % 40, (site - 1) // 40
  return { 120 * column + 10 * ((cell - 1) % 10), 120 * row + 10 * ((cell - 1) // 10), 0 }
end

-- -1 to 1, without an order that could be seen
local function scatter(i, salt) return (i * 7919 * salt % 2003) / 1001 - 1 end

local function cell_values(i)
  return {
    capacity = 280 + 4 * scatter(i, 1), R_series = 0.25 + 0.02 * scatter(i, 3), R_pair = 0.30 + 0.02 * scatter(i, 7),
    at = place((i - 1) // cells + 1, (i - 1) % cells + 1),
  }
end

local connect, names, aged = {}, {}, {}
for site = 1, sites do
  local name, currents, airs = site_name(site), {}, {}
  for cell = 1, cells do
    currents[cell] = cell_name(site, cell) .. ".current"
    airs[cell] = cell_name(site, cell) .. ".T_ambient"
  end
  connect[name .. ".current"], connect[name .. ".T_air"] = currents, airs
  aged[cell_name(site, site % cells + 1) .. ".R_series"] = 0.25 + 0.05 * (1 + scatter(site, 11))
  names[site] = { load = name .. ".load", T_outdoor = name .. ".T_outdoor" }
end

return plant "fleet" {
  doc     = "Stationary storage: a thousand sites of a hundred cells",
  step    = 10,
  clock   = "provider",
  record  = 60,
  record_fleets = { "cell_000001", "cell_012345", "cell_050000" },
  assets  = {
    fleet("site", sites, "storage_site", function(i) return { at = place(i, 1) } end),
    fleet("cell", sites * cells, "storage_cell", cell_values),
  },
  connect = connect,

  on = {
    divergence = function(event)
      if event.state == "raised" then log(event.twin .. ": " .. event.text) end
    end,
  },

  emulate = {
    values = aged,

    -- what goes wrong, in seconds of plant time: of a terminal, of instruments, of one air conditioner
    faults = {
      loose     = { fault = "cell_012345.loose", at = 480 },
      voltmeter = { fault = "cell_050000.voltmeter_high", at = 540 },
      case      = { fault = "cell_073311.thermometer_loose", at = 500 },
      silent    = { fault = "cell_031415.thermometer_dead", at = 500 },
      cooling   = { fault = "site_0777.cooling_fails", at = 900 },
    },

    -- one loop over the sites: half of them charge while the others discharge, each with its own hour
    control = function(device, seconds)
      local hour = seconds / 3600
      for site = 1, sites do
        local name = names[site]
        device[name.load] = 60 * math.sin((hour / 4 + site / 40) * math.pi) + 10 * scatter(site, 5)
        device[name.T_outdoor] = 15 + 8 * math.sin((hour - 9) / 12 * math.pi)
      end
    end,
  },
}
