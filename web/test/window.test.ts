import { describe, expect, test } from 'vitest';
import { pieceAround, pieceOf, pointsFor, SPANS, shifted, stretched } from '../src/window';

const HOUR = 3600;
const YEAR = 365 * 24 * HOUR;

describe('a piece of time', () => {
  test('is in order, and never shorter than ten seconds nor longer than a year and a day', () => {
    expect(pieceOf(200, 100)).toEqual({ from: 100, to: 200 });
    expect(pieceOf(100, 101)).toEqual({ from: 95.5, to: 105.5 });
    const { from, to } = pieceOf(0, 10 * YEAR);
    expect(to - from).toBe(366 * 24 * HOUR);
  });

  test('lies around a moment, and ends at the newest where there is no more', () => {
    expect(pieceAround(500, 100, 1000)).toEqual({ from: 450, to: 550 });
    expect(pieceAround(500, 100, 520)).toEqual({ from: 420, to: 520 });
    expect(pieceAround(500, 100, 400)).toEqual({ from: 400, to: 500 });
  });

  test('moves by parts of itself, and not beyond what there is', () => {
    expect(shifted({ from: 100, to: 200 }, -0.5, 1000)).toEqual({ from: 50, to: 150 });
    expect(shifted({ from: 100, to: 200 }, 0.5, 220)).toEqual({ from: 120, to: 220 });
    expect(shifted({ from: 100, to: 200 }, 0.5, 150)).toEqual({ from: 100, to: 200 });
  });

  test('stretches around its middle, and ends at the newest where it would go beyond', () => {
    expect(stretched({ from: 100, to: 200 }, 0.5, 1000)).toEqual({ from: 125, to: 175 });
    expect(stretched({ from: 100, to: 200 }, 2, 210)).toEqual({ from: 10, to: 210 });
  });
});

test('spans reach from ten seconds to a year', () => {
  expect([SPANS[0], SPANS.at(-1)]).toEqual([10, YEAR]);
});

test('a short time is asked for sample by sample, a long one by the pixel', () => {
  expect(pointsFor(HOUR)).toBeGreaterThan(3600);
  for (const span of [HOUR + 1, YEAR]) expect(pointsFor(span)).toBeLessThanOrEqual(2000);
});
