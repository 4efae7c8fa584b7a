import { describe, expect, test } from 'vitest';
import {
  bandPath,
  bandsOf,
  linePath,
  nearestIndex,
  place,
  roundTicks,
  spanOf,
  tickText,
  valueAt,
} from '../src/charts/fan';
import { fanOf, horizonFor } from '../src/forecast/ahead';
import { readJob } from '../src/forecast/result';

const X = { low: 0, high: 10, from: 50, to: 150 };
const Y = { low: 0, high: 1, from: 100, to: 0 };

describe('the picture of a forecast', () => {
  test('puts values on pixels, and finds them there again', () => {
    expect([place(X, 0), place(X, 5), place(Y, 1)]).toEqual([50, 100, 0]);
    expect(valueAt(Y, place(Y, 0.3))).toBeCloseTo(0.3, 12);
  });

  test('has a height even where nothing changes, and one where there is nothing', () => {
    expect(spanOf([[0, 0]])).toEqual([-1, 1]);
    expect(spanOf([[Number.NaN]])).toEqual([0, 1]);
    const [low, high] = spanOf([[1, 2], [3]]);
    expect(low).toBeLessThan(1);
    expect(high).toBeGreaterThan(3);
  });

  test('has round numbers beside it, with the digits that tell them apart', () => {
    const ticks = roundTicks(0.13, 1.02, 4);
    expect(ticks.map((tick) => tickText(tick, ticks))).toEqual(['0.5', '1.0']);
    expect(tickText(-20, [0, 10])).toBe('−20');
  });

  test('draws a band there and back, and breaks a line where there is no number', () => {
    expect(bandPath(X, Y, [0, 10], [0, 0], [1, 0.5])).toBe('M50 0L150 50L150 100L50 100Z');
    expect(linePath(X, Y, [0, 5, 10], [0, Number.NaN, 1])).toBe('M50 100M150 0');
    expect(bandPath(X, Y, [0], [Number.NaN], [1])).toBe('');
  });

  test('pairs quantiles from the outside in', () => {
    const fan = { tag: 'a.b', unit: '', mean: [9], quantiles: [[1], [2], [3], [4], [5]], more: null };
    expect(bandsOf(fan)).toEqual({
      bands: [
        [[1], [5]],
        [[2], [4]],
      ],
      middle: [3],
    });
    expect(bandsOf({ ...fan, quantiles: [[1], [5]] }).middle).toEqual([9]);
  });

  test('reads the row that is nearest', () => {
    expect(nearestIndex([0, 10, 20], 14)).toBe(1);
  });
});

const series = {
  tag: 'a.b',
  unit: 'm',
  mean: [1, null],
  quantiles: [[1, 2]],
  difference: [0, 1],
  difference_se: [0, 0.1],
};
const risk = {
  alarm: 'low',
  twin: 'a',
  tag: 'a.b',
  side: 'low',
  limit: 0.8,
  severity: 'major',
  probability: 1,
  times: [null],
};
const outlook = {
  time: '2021-01-22T14:49:00Z',
  members: 64,
  times: [0, 60],
  quantiles: [50],
  cases: [{ name: 'x', control: 'plant', handlers: true, lost: 0, series: [series], limits: [risk] }],
};

describe('what comes of a forecast', () => {
  test('is read with its holes, its differences and its alarms', () => {
    const job = readJob(JSON.stringify({ id: 3, state: 'done', progress: 1, result: outlook }));
    const [one] = job.outlook?.cases ?? [];
    expect(one?.fans[0]?.mean).toEqual([1, Number.NaN]);
    expect(one?.fans[0]?.more).toEqual({ mean: [0, 1], error: [0, 0.1] });
    expect(one?.risks[0]?.times).toEqual([Number.NaN]);
    expect(one?.acted).toEqual({ control: 'plant', handlers: true });
    expect(job.outlook?.from).toBe(1_611_326_940);
  });

  test('of a search stands beside what it has found', () => {
    const optimum = { values: [{ tag: 'a.b', value: 7 }], cost: 3, forecasts: 33 };
    const job = readJob(JSON.stringify({ id: 3, state: 'done', result: { optimum, forecast: outlook } }));
    expect(job.outlook?.found).toEqual({
      values: new Map([['a.b', 7]]),
      cost: 3,
      unit: '1',
      keepsLimits: true,
      evaluations: 33,
    });
    expect(job.outlook?.cases).toHaveLength(1);
    const best = { values: { 'a.b': 9 }, cost: 4, evaluations: 5 };
    expect(readJob(JSON.stringify({ id: 3, state: 'running', best })).best?.values.get('a.b')).toBe(9);
  });

  test('lies ahead of the time from which it looks', () => {
    const { outlook: read } = readJob(JSON.stringify({ id: 3, state: 'done', result: outlook }));
    if (read === null) throw new Error('there is an outlook');
    expect(fanOf(read).times).toEqual([1_611_326_940, 1_611_327_000]);
    expect(fanOf(read).to).toBe(1_611_327_000);
  });

  test('reaches a part of the span ahead, in whole steps, two at least and a day at most', () => {
    expect(horizonFor(900, 0.5)).toBe(270);
    expect(horizonFor(10, 10)).toBe(20);
    expect(horizonFor(1e9, 0.5)).toBe(86_400);
  });
});
