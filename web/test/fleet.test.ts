import { describe, expect, test } from 'vitest';
import { cellOf, planMap, spreadRuns, twinAt } from '../src/fleet';
import { readFleet, readListed } from '../src/protocol';

describe('the health of a fleet', () => {
  test('is spread from its runs, counted, and what is not calm is listed', () => {
    const fleet = spreadRuns(7, [3, 0, 1, 2, 2, 0, 1, 1]);
    expect([...fleet.health]).toEqual([0, 0, 0, 2, 0, 0, 1]);
    expect(fleet.tally).toEqual([5, 1, 1, 0]);
    expect(fleet.troubled).toEqual([3, 6]);
  });

  test('takes no run beyond its twins, and twins without a run as calm', () => {
    expect([...spreadRuns(3, [2, 1, 9, 2]).health]).toEqual([1, 1, 2]);
    expect(spreadRuns(5, [1, 3]).tally).toEqual([4, 0, 0, 1]);
    expect([...spreadRuns(2, [-4, 1, 2, 77]).health]).toEqual([3, 3]);
  });

  test('is read from the answer to GET', () => {
    expect([...readFleet('{"count":3,"runs":[2,0,1,1]}').health]).toEqual([0, 0, 1]);
    expect(() => readFleet('{"count":3,"runs":["2"]}')).toThrow('/runs/0: expected a number');
    const [twin] = readListed('{"count":9,"twins":[{"name":"a_3","model":"m","number":2}],"next":null}');
    expect(twin).toEqual({ name: 'a_3', model: 'm', number: 2 });
  });
});

describe('the map of a fleet', () => {
  test('has a cell of its own for every twin, and finds the twin of a cell', () => {
    for (const count of [1, 99, 100, 101, 2_345]) {
      const plan = planMap(count, 2.5);
      const cells = new Set<string>();
      for (let twin = 0; twin < count; twin++) {
        const [x, y] = cellOf(plan, twin);
        cells.add(`${x} ${y}`);
        expect(twinAt(plan, x + 0.5, y + 0.5)).toBe(twin);
      }
      expect(cells.size).toBe(count);
    }
  });

  test('keeps every hundred together in a square', () => {
    const plan = planMap(100_000, 3);
    for (const twin of [0, 12_300, 99_900]) {
      const [[left, top], [right, bottom]] = [cellOf(plan, twin), cellOf(plan, twin + 99)];
      expect([right - left, bottom - top]).toEqual([9, 9]);
    }
  });

  test('has nobody beside it and behind the last twin', () => {
    const plan = planMap(150, 1);
    expect(twinAt(plan, -0.1, 0)).toBeNull();
    expect(twinAt(plan, 0, plan.height)).toBeNull();
    expect(twinAt(plan, plan.width - 0.5, plan.height - 0.5)).toBeNull();
  });

  test('is about as wide as it was wished', () => {
    const { width, height } = planMap(100_000, 3);
    expect(width / height).toBeGreaterThan(2.8);
    expect(width / height).toBeLessThan(3.2);
  });
});
