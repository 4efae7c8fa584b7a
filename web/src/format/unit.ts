/** How units of plant scripts are shown. Their spelling is that of UDUNITS: `degC`, `W/K`, `m^3/s`, `1`. */

const SYMBOLS: Record<string, string> = {
  '1': '',
  degC: '°C',
  degF: '°F',
  degree: '°',
  percent: '%',
  ohm: 'Ω',
};

/** What is measured in a unit, where there is no doubt. */
const QUANTITIES: Record<string, string> = {
  degC: 'Temperature',
  degF: 'Temperature',
  K: 'Temperature',
  Pa: 'Pressure',
  bar: 'Pressure',
  W: 'Power',
  kW: 'Power',
  'm/s': 'Speed',
  'm^3/s': 'Flow',
  V: 'Voltage',
  A: 'Current',
};

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';

export function unitText(unit: string): string {
  if (Object.hasOwn(SYMBOLS, unit)) return SYMBOLS[unit] ?? '';
  return proseText(unit)
    .replace(/\bohm\b/g, 'Ω')
    .replace(/\bu(?=[A-Za-z])/g, 'µ')
    .replace(/\s*\*\s*/g, '·');
}

/** A text of the server with the units in it as people write them: `4.2 m³/h`, `25 °C`. */
export function proseText(text: string): string {
  return text.replace(/\^(-?\d+)/g, (_, digits: string) => superscript(digits)).replace(/\bdeg([CF])\b/g, '°$1');
}

export function quantityText(unit: string): string | null {
  return Object.hasOwn(QUANTITIES, unit) ? (QUANTITIES[unit] ?? null) : null;
}

/** `-5` as ⁻⁵. */
export function superscript(digits: string): string {
  return digits.replace(/\d/g, (digit) => SUPERSCRIPTS[Number(digit)] ?? digit).replace('-', '⁻');
}
