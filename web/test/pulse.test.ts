import { expect, test } from 'vitest';
import { columnOf, Pulse } from '../src/pulse';
import { sparkPath } from '../src/views/Sparkline';

const counters = (ticks: number, waiting: number) =>
  new Map([
    ['ticks', ticks],
    ['backlog_samples', waiting],
  ]);

test('what only grows is told by how much in a second, what stands at a height by the height', () => {
  const pulse = new Pulse();
  pulse.read(100, counters(10, 3), []);
  pulse.read(102, counters(30, 5), []);
  expect(pulse.newest('ticks')).toBe(10);
  expect(pulse.newest('backlog_samples')).toBe(5);
});

test('counters that fell belong to an engine that has begun anew, and are a gap', () => {
  const pulse = new Pulse();
  pulse.read(100, counters(1000, 0), []);
  pulse.read(101, counters(5, 0), []);
  expect(pulse.newest('ticks')).toBeNaN();
  pulse.read(102, counters(7, 0), []);
  expect(pulse.newest('ticks')).toBe(2);
  expect(sparkPath(pulse.ring, columnOf('ticks')).match(/M/g)).toHaveLength(1);
});
