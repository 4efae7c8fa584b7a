-- A belt conveyor for bulk goods: three stretches of belt that carry the load along, and a drive that moves it all.
-- Equations: resistance to motion by ISO 5048 and DIN 22101, C f L g (q_rollers + 2 q_belt + q_load) + H g q_load, which acts
-- against the motion; transport as three mixed stretches in a row; the drive is a motor with slip on a speed setpoint, limited in force.
-- The friction coefficient f is tracked: seized rollers and cold grease raise it.
-- Left out: the belt's elasticity, slip on the drum, the exact delay of the belt (three stretches smear it out). Step: up to 0.2 s.
return model "conveyor" {
  doc = "Inclined belt conveyor with load, resistance and drive",

  params = {
    length    = { 120, "m", min = 1, doc = "between the drums" },
    lift      = { 8, "m", min = -100, doc = "from the tail to the head" },
    q_belt    = { 12, "kg/m", min = 0.1, doc = "mass of the belt per length" },
    q_rollers = { 22, "kg/m", min = 0, doc = "rotating mass of the rollers per length, both strands" },
    C         = { 1.78, "1", min = 1, doc = "what drums, scrapers and chutes add; 1.78 at 100 m" },
    drum_mass = { 900, "kg", min = 0, doc = "motor, gear and drums, seen from the belt" },
    stiffness = { 60, "kN/(m/s)", min = 0.1, doc = "force of the drive per slip" },
    force_max = { 40, "kN", min = 0.1, doc = "at which the drive is limited" },

    friction = { 0.020, "1", min = 0.001, max = 0.2, estimate = 3e-6, sd = 0.002, jump = 0.02, doc = "coefficient f of the resistance" },
  },

  inputs = {
    feed           = { 100, "kg/s", min = 0, max = 5000, doc = "what is put on the belt at its tail" },
    speed_setpoint = { 2, "m/s", min = 0, max = 6, doc = "what the drive is following, as it reports it" },
  },

  states = {
    speed  = { 1.8, "m/s", noise = 0.002, sd = 0.05, doc = "of the belt" },
    load_1 = { 2200, "kg", min = 0, noise = 4, sd = 100, doc = "on the stretch at the tail" },
    load_2 = { 2200, "kg", min = 0, noise = 4, sd = 100, doc = "on the stretch in the middle" },
    load_3 = { 2200, "kg", min = 0, noise = 4, sd = 100, doc = "on the stretch at the head" },
  },

  equations = function(t)
    local stretch = t.length / 3
    local carried = t.load_1 + t.load_2 + t.load_3
    local moving  = t.length * (t.q_rollers + 2 * t.q_belt) + carried

    -- friction turns with the belt: smoothly, within some centimetres per second
    local turned     = tanh(t.speed / quantity(0.05, "m/s"))
    local resistance = t.C * t.friction * g * moving * turned + t.lift / t.length * g * carried
    local force      = clamp(t.stiffness * (t.speed_setpoint - t.speed), -t.force_max, t.force_max)

    t.speed.rate  = (force - resistance) / (moving + t.drum_mass)
    t.load_1.rate = t.feed - t.speed * t.load_1 / stretch
    t.load_2.rate = t.speed * (t.load_1 - t.load_2) / stretch
    t.load_3.rate = t.speed * (t.load_2 - t.load_3) / stretch

    t.discharge  = output(t.speed * t.load_3 / stretch, "kg/s", "what falls off at the head")
    t.force      = output(force, "kN", "of the drive on the belt")
    t.power      = output(force * t.speed, "kW", "of the drive at the belt")
    t.load       = output(carried, "kg", "on the whole belt")
  end,

  sensors = {
    tacho  = { of = "speed", noise = 0.005, unit = "m/s", every = 1, doc = "at the tail drum, which does not slip" },
    scale  = { of = function(t) return t.load_3 / (t.length / 3) end, noise = 1, unit = "kg/m", every = 1, doc = "belt scale before the head" },
    meter  = { of = "power", noise = 0.4, unit = "kW", every = 1, doc = "power as the drive reports it" },
  },

  actuators = {
    speed_order = { 2, "m/s", min = 0, max = 4, rate = 0.2, doc = "speed that the drive is asked for" },
  },

  alarms = {
    overload = { high = { "load", 12000 }, hysteresis = 500, hold = 5, severity = "major" },
    jammed   = { high = { "force", 38 }, hysteresis = 2, hold = 5, severity = "critical" },
    stiff    = { high = { "friction", 0.03 }, hysteresis = 0.002, hold = 120, severity = "warning" },
  },

  faults = {
    seized     = { value = "friction", factor = 2.5, doc = "rollers have seized" },
    scale_high = { sensor = "scale", kind = "bias", size = 8, doc = "material lies on the frame of the scale" },
    meter_dead = { sensor = "meter", kind = "silence", doc = "the telegrams of the drive stay away" },
  },

  -- settle: the belt's way from tail to head, a minute, twice
  divergence = { settle = 120, false_alarm_days = 30 },
}
