import { describe, expect, test } from 'vitest';
import { clockText } from '../src/format/clock';
import { againstNow, axisText, dateTimeText, durationText, isoText } from '../src/format/time';
import { proseText, unitText } from '../src/format/unit';
import { countText, figures, numberText, sigmas, statistic } from '../src/format/value';
import { NOW } from './kit';

describe('a value', () => {
  test.each([
    [25.0213, 0.04, '25.02', '± 0.08'],
    [25.0213, 0.006, '25.021', '± 0.012'],
    [25.0213, 3, '25', '± 6'],
    [25.0213, 12, '25', '± 24'],
    [-0.001, 0.04, '0.00', '± 0.08'],
    [-7.5, 0.04, '−7.50', '± 0.08'],
  ])('%f with standard deviation %f has the digits that this supports', (value, sd, text, spread) => {
    expect(figures(value, sd, 'degC')).toEqual({ value: text, spread, power: '' });
  });

  test('gets one power of ten with its uncertainty', () => {
    expect(figures(2.5e-5, 1e-7, 'm^2')).toEqual({ value: '2.500', spread: '± 0.020', power: '×10⁻⁵' });
    expect(figures(3.2e8, null, 'Pa')).toEqual({ value: '3.200', spread: '', power: '×10⁸' });
  });

  test('without an uncertainty has four digits, and none where it is a switch or a count', () => {
    expect(numberText(25.0625, 'degC')).toBe('25.06');
    expect(numberText(312.345, 'K')).toBe('312.3');
    expect(numberText(25, 'degC')).toBe('25.00');
    expect(numberText(1, '1')).toBe('1');
    expect(numberText(0, '1')).toBe('0');
  });

  test('that is none is a dash', () => {
    expect(figures(Number.NaN, 0.1, 'K')).toEqual({ value: '–', spread: '', power: '' });
    expect(figures(Number.POSITIVE_INFINITY, null, 'K').value).toBe('–');
    expect(figures(1, Number.NaN, 'K').spread).toBe('');
    expect(figures(1, 0, 'K').spread).toBe('');
    expect(statistic(Number.NaN).value).toBe('–');
  });

  test('of a count, a statistic or a deviation is short', () => {
    expect(countText(1234567)).toBe('1\u202f234\u202f567');
    expect(statistic(0.4264).value).toBe('0.43');
    expect(sigmas(-7.04).value).toBe('−7.0');
    expect(sigmas(0.26).value).toBe('+0.3');
  });
});

test.each([
  ['degC', '°C'],
  ['1', ''],
  ['W/K', 'W/K'],
  ['m^3/s', 'm³/s'],
  ['m^-1', 'm⁻¹'],
  ['kg*m^2', 'kg·m²'],
  ['J/degC', 'J/°C'],
  ['um', 'µm'],
  ['constructor', 'constructor'],
])('the unit %s is shown as %s', (unit, text) => {
  expect(unitText(unit)).toBe(text);
});

describe('a time', () => {
  test('is shown in UTC', () => {
    expect(dateTimeText(NOW)).toBe('2021-01-22 14:49:00');
    expect(axisText(NOW, 60)).toBe('14:49');
    expect(axisText(NOW, 10)).toBe('14:49:00');
  });

  test('says how it stands to the clock on the wall', () => {
    expect(againstNow(NOW, NOW + 1)).toBe('live');
    expect(againstNow(NOW, NOW + 90)).toBe('1 min ago');
    expect(againstNow(NOW, NOW - 90)).toBe('1 min ahead');
    expect(againstNow(NOW, NOW + 5.8 * 365.25 * 86_400)).toBe('5.8 years ago');
  });

  test.each([
    [12.9, '12 s'],
    [60, '1 min'],
    [7200, '2 h'],
    [86_400 * 3, '3 days'],
  ])('of %f seconds is %s', (seconds, text) => {
    expect(durationText(seconds)).toBe(text);
  });

  test('beyond all dates does not throw', () => {
    expect(isoText(1e300)).toMatch(/^-+$/);
  });
});

describe('a clock', () => {
  test.each([
    [2.1, 0.003, 14.2, 1, 'clock 2.1 s ahead, drifts +14 ppm'],
    [-0.25, 0.003, -40, 5, 'clock 250 ms behind, drifts −40 ppm'],
    [0.002, 0.001, 3, 8, 'clock right to 5 ms'],
    [0.04, 0.06, 0, 1, 'clock right to 60 ms'],
    [3600 * 3, 0.01, 0, 1, 'clock 3 h ahead'],
  ])('that is %f s off', (offset, uncertainty, driftPpm, driftUncertaintyPpm, text) => {
    expect(clockText({ offset, uncertainty, driftPpm, driftUncertaintyPpm })).toBe(text);
  });
});

test('units in a text of the server are written as people write them, and its words stay', () => {
  expect(proseText('hamlet.leakage is 4.24 m^3/h, above 2.00 m^3/h')).toBe(
    'hamlet.leakage is 4.24 m³/h, above 2.00 m³/h',
  );
  expect(proseText('is 25 degC until 1 s^-1 is degraded')).toBe('is 25 °C until 1 s⁻¹ is degraded');
});
