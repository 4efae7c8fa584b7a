import { describe, expect, test } from 'vitest';
import { Ring } from '../src/ring';

const times = (ring: Ring) => Array.from(ring.view()[0] ?? []);
const column = (ring: Ring, index: number) => Array.from(ring.view()[index] ?? []);

describe('a ring', () => {
  test('keeps rows in order of time, whatever order they came in', () => {
    const ring = new Ring(2, 8);
    for (const time of [3, 1, 2, 5, 4]) ring.put(time, 1, time * 10);

    expect(times(ring)).toEqual([1, 2, 3, 4, 5]);
    expect(column(ring, 1)).toEqual([10, 20, 30, 40, 50]);
  });

  test('tells when the past has changed, and not when time only goes on', () => {
    const ring = new Ring(2, 4);
    for (const time of [1, 2, 3, 4, 5, 6]) ring.put(time, 1, time);
    ring.put(6, 1, 7);
    expect(ring.disorder).toBe(0);
    ring.put(4, 1, 0);
    expect(ring.disorder).toBe(1);
    ring.clear();
    expect(ring.disorder).toBe(2);
  });

  test('has one row for a time, with NaN where nothing was put', () => {
    const ring = new Ring(3, 8);
    ring.put(1, 1, 10);
    ring.put(1, 2, 20);
    ring.put(2, 2, 21);

    expect(times(ring)).toEqual([1, 2]);
    expect(column(ring, 1)).toEqual([10, Number.NaN]);
    expect(column(ring, 2)).toEqual([20, 21]);
  });

  test('drops the oldest rows and stays contiguous through many turns', () => {
    const ring = new Ring(2, 4);
    for (let time = 0; time < 103; time++) {
      ring.put(time, 1, -time);
      expect(times(ring)).toEqual(column(ring, 1).map((value) => -value));
    }
    expect(times(ring)).toEqual([99, 100, 101, 102]);
    expect([ring.oldest, ring.newest]).toEqual([99, 102]);
  });

  test('agrees with a sorted table of the newest rows on any order of arrival', () => {
    // a linear congruence visits every time once, in an order that looks like none
    const ring = new Ring(2, 16);
    const kept = new Map<number, number>();
    for (let step = 0; step < 400; step++) {
      const time = (step * 37) % 401;
      const oldest = Math.min(...kept.keys());
      ring.put(time, 1, step);
      if (kept.size < 16 || time > oldest) {
        if (kept.size === 16) kept.delete(oldest);
        kept.set(time, step);
      }
      const sorted = [...kept].sort(([a], [b]) => a - b);
      expect(times(ring)).toEqual(sorted.map(([at]) => at));
      expect(column(ring, 1)).toEqual(sorted.map(([, value]) => value));
    }
  });

  test('refuses what is older than a full ring reaches back to', () => {
    const ring = new Ring(2, 2);
    ring.put(10, 1, 1);
    ring.put(11, 1, 1);
    const { version } = ring;
    ring.put(5, 1, 1);

    expect(times(ring)).toEqual([10, 11]);
    expect(ring.version).toBe(version);
  });

  test('finds the value before and the value nearest to a time, over rows of other columns', () => {
    const ring = new Ring(3, 8);
    ring.put(1, 1, 10);
    ring.put(2, 2, 0);
    ring.put(3, 2, 0);
    ring.put(9, 1, 90);

    expect(ring.before(8, 1)).toBe(0);
    expect(ring.before(9, 1)).toBe(3);
    expect(ring.before(0.5, 1)).toBe(-1);
    expect(ring.nearest(3, 1)).toBe(0);
    expect(ring.nearest(6, 1)).toBe(3);
    expect(ring.nearest(100, 1)).toBe(3);
    expect(new Ring(2, 4).nearest(1, 1)).toBe(-1);
  });
});
