import { describe, expect, test } from 'vitest';
import { type Range, rangeOf, roundStep } from '../src/charts/range';
import type { PlanKind } from '../src/plan';
import { Trends } from '../src/trends';
import { channel, NOW, TWIN } from './kit';

/** The range of the first chart of `kind`, whose column 1 has `values` in the minute before now. */
function rangeFor(kind: PlanKind, ...values: number[]): Range {
  const trend = new Trends(TWIN).all.find((trend) => trend.kind === kind);
  if (trend === undefined) throw new Error(`the twin has no ${kind} chart`);
  values.forEach((value, index) => {
    trend.ring.put(NOW - index, 1, value);
  });
  return rangeOf(trend, NOW - 60, NOW);
}

describe('the height of a chart', () => {
  test('holds the band and lies at round numbers', () => {
    const [chart] = new Trends({ ...TWIN, channels: [channel('T_air', 'state')] }).all;
    if (chart === undefined) throw new Error('a twin has charts');
    chart.ring.put(NOW, 1, 1);
    chart.ring.put(NOW, 2, 25);

    expect(rangeOf(chart, NOW - 60, NOW)).toEqual({ low: 22.5, high: 27.5 });
    expect(rangeOf(chart, NOW + 60, NOW + 90)).toEqual({ low: 0, high: 1 });
  });

  test('leaves the lines their room where a twin knew little at first', () => {
    const [chart] = new Trends({ ...TWIN, channels: [channel('T_air', 'state')] }).all;
    if (chart === undefined) throw new Error('a twin has charts');
    for (const [time, sd, value] of [
      [NOW - 9, 500, 20],
      [NOW, 0.1, 40],
    ] as const) {
      chart.ring.put(time, 1, sd);
      chart.ring.put(time, 2, value);
    }
    expect(rangeOf(chart, NOW - 60, NOW)).toEqual({ low: 10, high: 45 });
  });

  test('begins at zero for the statistic, and ends above its limit', () => {
    expect(rangeFor('divergence', 4)).toEqual({ low: 0, high: 4.5 });
  });

  test('is even about zero for innovations, and cuts off what is far out', () => {
    expect(rangeFor('innovation')).toEqual({ low: -4, high: 4 });
    expect(rangeFor('innovation', -5, 1)).toEqual({ low: -8, high: 8 });
    expect(rangeFor('innovation', 80)).toEqual({ low: -12, high: 12 });
  });

  test('shows a switch between off and on, though it is never thrown', () => {
    const { low, high } = rangeFor('held', 1, 1);
    expect(low).toBeLessThanOrEqual(0);
    expect(high).toBeGreaterThanOrEqual(1);
  });

  test('does not enlarge what is nothing all along', () => {
    const [chart] = new Trends({ ...TWIN, channels: [channel('draw', 'input', { unit: 'm3/h' })] }).all;
    if (chart === undefined) throw new Error('a twin has charts');
    chart.ring.put(NOW, 1, 0);
    expect(rangeOf(chart, NOW - 60, NOW)).toEqual({ low: 0, high: 1 });
  });

  test.each([
    [0.9, 1],
    [1, 1],
    [1.1, 2],
    [3, 5],
    [7, 10],
    [0.03, 0.05],
  ])('steps of at least %f are %f', (size, step) => {
    expect(roundStep(size)).toBeCloseTo(step, 12);
  });
});
