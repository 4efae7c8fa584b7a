-- A stirred tank reactor with an exothermic reaction and a cooling jacket: an exponential and two look-up tables at every stage.
-- Equations: mass and energy balances with Arrhenius' law (Seborg, Edgar, Mellichamp, Process Dynamics and Control, section 2.4).
-- The valve's curve and the jacket's film coefficient are tables of straight lines.
-- Left out: mixing, losses to the surroundings.
-- tests/bench/hand_steps.c is this model in C.
return model "reactor" {
  doc = "Exothermic reactor with a cooling jacket",
  params = {
    dilution = { 0.0166, "1/s" }, feed = { 1000, "mol/m^3" }, feed_T = { 350, "K" },
    frequency = { 1.2e9, "1/s" }, activation = { 8750, "K" }, heating = { 0.209, "K m^3/mol" },
    coolant_T = { 300, "K" },
  },
  inputs = { opening = { 0.45, "1" } },
  states = { conc = { 500, "mol/m^3" }, T = { 350, "K" }, jacket = { 320, "K" } },
  equations = function(t)
    local reaction = t.frequency * exp(-t.activation / t.T) * t.conc
    local film = lookup(t.jacket, { { 280, 0.031 }, { 300, 0.034 }, { 320, 0.036 }, { 340, 0.0375 }, { 360, 0.0385 }, { 380, 0.039 } }, { x = "K", y = "1/s" })
    local flow = lookup(t.opening, { { 0, 0 }, { 0.2, 0.02 }, { 0.4, 0.07 }, { 0.6, 0.15 }, { 0.8, 0.21 }, { 1, 0.23 } }, { y = "1/s" })
    local exchange = film * (t.T - t.jacket)
    t.conc.rate = t.dilution * (t.feed - t.conc) - reaction
    t.T.rate = t.dilution * (t.feed_T - t.T) + t.heating * reaction - exchange
    t.jacket.rate = flow * (t.coolant_T - t.jacket) + 4 * exchange
  end,
}
