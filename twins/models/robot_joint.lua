-- A joint of a robot: a motor, a gear that gives like a spring, and a link that gravity pulls down.
-- Equations: M. W. Spong, "Modeling and Control of Elastic Joint Robots", ASME Journal of Dynamic Systems, Measurement, and Control 109,
-- 1987, for one joint: two inertias, and between them the stiffness of a harmonic drive, here with its damping.
-- The payload's gravity torque is tracked, and the motor's friction. Numbers: the elbow of an arm that carries 5 kg.
-- Left out: backlash, the gear's losses that depend on load, the motor's circuit (the drive holds its current). Step: up to 5 ms.
return model "robot_joint" {
  doc = "Robot joint: motor, elastic gear, link under gravity",

  params = {
    J_motor   = { 1.2e-4, "kg.m^2", min = 1e-9, doc = "of the motor and the gear's input" },
    J_link    = { 1.1, "kg.m^2", min = 1e-6, doc = "of the link with its payload, about the joint" },
    ratio     = { 100, "1", min = 1, doc = "turns of the motor per turn of the link" },
    stiffness = { 12000, "N.m", min = 0.1, doc = "of the gear, per radian at the link" },
    damping   = { 15, "N.m.s", min = 0, doc = "of the gear, per rad/s at the link" },
    constant  = { 0.11, "N.m/A", min = 1e-6, doc = "torque of the motor per current" },
    drag      = { 2.0, "N.m.s", min = 0, doc = "friction of the link's bearing, per rad/s" },

    gravity  = { 26, "N.m", min = -500, max = 500, estimate = 0.005, sd = 2, jump = 15, doc = "torque on the link when it is level: mass, g and distance" },
    friction = { 4e-4, "N.m.s", min = 0, estimate = 1e-7, sd = 3e-5, jump = 4e-4, doc = "viscous friction of the motor, per rad/s" },
  },

  inputs = {
    current = { 2.3636363636363638, "A", min = -30, max = 30, doc = "of the motor, as the drive reports it" },
  },

  -- angles in rad, which has no dimension; 0 is the link level
  states = {
    motor_angle = { 0.21666666666666667, "rad", noise = 1e-3, sd = 0.01, doc = "of the motor's shaft" },
    motor_speed = { 0, "rad/s", noise = 0.5, sd = 0.5, doc = "of the motor's shaft" },
    link_angle  = { 0, "rad", noise = 1e-5, sd = 1e-3, doc = "of the link above level" },
    link_speed  = { 0, "rad/s", noise = 5e-3, sd = 5e-3, doc = "of the link" },
  },

  equations = function(t)
    local rad    = quantity(1, "rad")
    local twist  = (t.motor_angle / t.ratio - t.link_angle) / rad
    local wind   = (t.motor_speed / t.ratio - t.link_speed) / rad
    local spring = t.stiffness * twist + t.damping * wind
    local weight = t.gravity * cos(t.link_angle / rad)
    local torque = t.constant * t.current

    t.motor_angle.rate = t.motor_speed
    t.link_angle.rate  = t.link_speed
    t.motor_speed.rate = (torque - t.friction * t.motor_speed / rad - spring / t.ratio) / t.J_motor * rad
    t.link_speed.rate  = (spring - weight - t.drag * t.link_speed / rad) / t.J_link * rad

    local moving = (t.J_motor * (t.motor_speed / rad) ^ 2 + t.J_link * (t.link_speed / rad) ^ 2) / 2
    local stored = t.stiffness * twist ^ 2 / 2 + t.gravity * sin(t.link_angle / rad)
    t.transmitted = output(spring, "N.m", "torque that the gear hands to the link")
    t.energy      = output(moving + stored, "J", "of motion, of the spring and of height")
  end,

  sensors = {
    encoder  = { of = "motor_angle", noise = 2e-3, unit = "rad", every = 0.002, doc = "on the motor's shaft" },
    absolute = { of = "link_angle", noise = 1e-4, unit = "rad", every = 0.002, doc = "on the link" },
  },

  actuators = {
    current_order = { 0, "A", min = -20, max = 20, doc = "current that the drive is asked for" },
  },

  alarms = {
    overloaded = { high = { "transmitted", 150 }, hysteresis = 10, hold = 0, severity = "critical" },
    stiff      = { high = { "friction", 8e-4 }, hysteresis = 1e-4, hold = 1, severity = "warning" },
    payload    = { high = { "gravity", 60 }, hysteresis = 2, hold = 0.5, severity = "major" },
  },

  faults = {
    heavy   = { value = "gravity", factor = 1.5, doc = "the gripper holds more than it was told" },
    slipped = { sensor = "absolute", kind = "bias", size = 0.002, doc = "the ring of the encoder has slipped" },
  },

  divergence = { settle = 1, false_alarm_days = 30 },
}
