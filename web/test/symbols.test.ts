import { expect, test } from 'vitest';
import { fillOf, partOf, symbolOf } from '../src/symbols';
import { channel, TWIN } from './kit';

const level = channel('level', 'state', { unit: 'm', min: 0 });
const limit = (side: 'high' | 'low', at: number) => ({
  alarm: side,
  tag: level.tag,
  side,
  limit: at,
  severity: 'major' as const,
});

test('a symbol follows the last word that says something', () => {
  expect(symbolOf('quadruple_tank')).toBe('tank');
  expect(symbolOf('heat_exchanger')).toBe('exchanger');
  expect(symbolOf('storage_site')).toBe('district');
  expect(symbolOf('Pump-type 3')).toBe('pump');
  expect(symbolOf('constructor')).toBe('box');
});

test('a twin is full where its model says so', () => {
  const fill = fillOf({ ...TWIN, channels: [{ ...level, max: 4 }], limits: [limit('high', 3), limit('low', 1)] });
  expect(fill).toEqual({ tag: 'box.level', low: 0, high: 4, marks: [0.75, 0.25] });
});

test('where it does not, the highest alarm stands a tenth below full', () => {
  const fill = fillOf({ ...TWIN, channels: [level], limits: [limit('high', 1.8), limit('high', 0.9)] });
  expect(fill?.high).toBeCloseTo(2, 12);
  expect(fillOf({ ...TWIN, channels: [level], limits: [limit('low', 1)] })).toBeNull();
  expect(fillOf({ ...TWIN, channels: [channel('T_air', 'state')], limits: [] })).toBeNull();
});

test('a fill ends at empty and at full', () => {
  const fill = { tag: '', low: 1, high: 3, marks: [] };
  expect([0, 1, 2, 3, 9].map((value) => partOf(fill, value))).toEqual([0, 0, 0.5, 1, 1]);
  expect(partOf(fill, Number.NaN)).toBeNaN();
});
