import { describe, expect, test } from 'vitest';
import type { Command, Reading, Series, Tick, TwinHealth } from '../src/protocol';
import { Trends } from '../src/trends';
import { channel, emptyTick, NOW, TWIN } from './kit';

const estimate = (value: number, sd: number): Reading => ({ value, sd, time: null, quality: null });
const sample = (value: number, time: number): Reading => ({ value, sd: null, time, quality: 'good' });
const health: TwinHealth = { verdict: 'none', cause: '', nis: 0.3, nisLimit: 1, quality: 'good', sensors: new Map() };

/** One state with two sensors, so that the columns are few. */
const SMALL = { ...TWIN, channels: TWIN.channels.filter(({ name }) => name !== 'T_bed') };
const [SENSED, INNOVATION, DIVERGENCE, TRACKED, HELD] = [0, 1, 2, 3, 4];

/** Receive `tick` as a page does that has seen nothing else. */
const receive = (trends: Trends, tick: Tick, time = NOW, span = 900) => trends.add(tick, tick.values, time, span);

const rows = (trends: Trends, chart: number | undefined) =>
  (trends.all[chart ?? 0]?.ring.view() ?? []).map((column) => Array.from(column));

describe('the trends of a twin', () => {
  test('put samples at the time at which they were taken, and estimates at the tick', () => {
    const trends = new Trends(SMALL);
    const values = new Map([
      ['box.T_air', estimate(25, 0.1)],
      ['box.t2', sample(24.9, NOW - 0.3)],
    ]);
    receive(trends, emptyTick({ values }));

    expect(rows(trends, SENSED)).toEqual([
      [NOW - 0.3, NOW],
      [Number.NaN, 0.1],
      [24.9, Number.NaN],
      [Number.NaN, Number.NaN],
      [Number.NaN, 25],
    ]);
  });

  test('go on with an estimate that a tick left as it was, but not with a sample', () => {
    const trends = new Trends(SMALL);
    const values = new Map([
      ['box.G', estimate(0.8, 0.01)],
      ['box.t2', sample(24.9, NOW - 0.3)],
    ]);
    trends.add(emptyTick(), values, NOW, 900);

    expect(rows(trends, TRACKED)).toEqual([[NOW], [0.01], [0.8]]);
    expect(rows(trends, SENSED)[0]).toEqual([]);
  });

  test('keep the statistic with its limit', () => {
    const trends = new Trends(SMALL);
    receive(trends, emptyTick({ twins: new Map([['box', health]]) }));
    expect(rows(trends, DIVERGENCE)).toEqual([[NOW], [1], [0.3]]);
  });

  test('leave a gap where the statistic is not a number', () => {
    const trends = new Trends(SMALL);
    receive(trends, emptyTick({ twins: new Map([['box', { ...health, nis: null }]]) }));
    expect(rows(trends, DIVERGENCE)).toEqual([[NOW], [1], [Number.NaN]]);
  });

  test('keep an innovation in its own σ at the time of its sample, once', () => {
    const trends = new Trends(SMALL);
    const sensors = new Map([['t2', { innovation: -0.1, sd: 0.05, quality: 'good' as const }]]);
    const twins = new Map([['box', { ...health, sensors }]]);
    receive(trends, emptyTick({ twins, values: new Map([['box.t2', sample(24.9, NOW - 0.3)]]) }));
    receive(trends, emptyTick({ twins }), NOW + 1);

    expect(rows(trends, INNOVATION)).toEqual([[NOW - 0.3], [-2], [Number.NaN]]);
  });

  test('leave out ticks that would fall on the same pixel, but no sample', () => {
    const trends = new Trends(SMALL);
    for (let step = 0; step < 100; step++) {
      const time = NOW + step * 0.01;
      const values = new Map([
        ['box.T_air', estimate(25, 0.1)],
        ['box.t2', sample(24.9, time)],
      ]);
      receive(trends, emptyTick({ values }), time, 3600);
    }
    const [, , samples, , estimates] = rows(trends, SENSED);
    expect(samples?.filter((value) => !Number.isNaN(value))).toHaveLength(100);
    expect(estimates?.filter((value) => !Number.isNaN(value))).toHaveLength(2);
  });
});

const recorded = (time: number[], value: number[], sd = value.map(() => Number.NaN)): Series => ({
  time,
  value,
  sd,
  min: [],
  max: [],
});

describe('the record', () => {
  test('keeps the least and the greatest of what it has rolled up, and nothing of what it has not', () => {
    const trends = new Trends(SMALL);
    trends.fill(
      new Map([
        ['box.t2', { ...recorded([NOW], [25]), min: [24], max: [27] }],
        ['box.t3', recorded([NOW], [25])],
      ]),
    );
    expect([...trends.extents]).toEqual([['box.t2', { time: [NOW], min: [24], max: [27] }]]);
  });

  test('fills around what is there, estimates and the statistic alike', () => {
    const trends = new Trends(SMALL);
    receive(trends, emptyTick({ values: new Map([['box.G', estimate(0.8, 0.01)]]) }));
    trends.fill(
      new Map([
        ['box.G', recorded([NOW - 2, NOW - 1, NOW], [0.6, 0.7, 0.8], [0.03, 0.02, 0.01])],
        ['box.divergence', recorded([NOW - 1], [0.2])],
        ['box.unknown', recorded([NOW], [1])],
      ]),
    );
    expect(trends.recorded).toBe(1);
    expect(rows(trends, TRACKED)).toEqual([
      [NOW - 2, NOW - 1, NOW],
      [0.03, 0.02, 0.01],
      [0.6, 0.7, 0.8],
    ]);
    expect(rows(trends, DIVERGENCE)).toEqual([[NOW - 1], [Number.NaN], [0.2]]);
  });

  test('of commands gives what an actuator was told, once it had been', () => {
    const channels = [...SMALL.channels.filter(({ kind }) => kind !== 'input'), channel('valve', 'actuator')];
    const trends = new Trends({ ...TWIN, channels });
    trends.fillCommands([command({ ended: NOW }), command({ state: 'refused', ended: NOW + 5 })]);
    expect(rows(trends, HELD)).toEqual([[NOW], [0.5]]);
  });

  test('has the limit of the statistic from who knows it', () => {
    const trends = new Trends(SMALL);
    trends.fillLimit(health, NOW);
    expect(rows(trends, DIVERGENCE)).toEqual([[NOW], [1], [Number.NaN]]);
  });

  test('is asked for every tag that is drawn, and for nothing else', () => {
    expect(new Trends(SMALL).tags).toEqual([
      'box.T_air',
      'box.t2',
      'box.t3',
      'box.divergence',
      'box.G',
      'box.heater_on',
    ]);
  });
});

function command(more: Partial<Command>): Command {
  const [tag, by, reason, detail] = ['box.valve', 'anna', '', ''];
  return { id: 1, tag, value: 0.5, state: 'done', by, reason, detail, time: NOW - 1, ended: null, ...more };
}
