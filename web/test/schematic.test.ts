import { describe, expect, test } from 'vitest';
import type { Twin } from '../src/protocol';
import { inReadingOrder, planSchematic } from '../src/schematic';

const twin = (name: string, x: number, y: number, kinds: Twin['channels'][number]['kind'][] = []): Twin => ({
  name,
  model: 'm',
  doc: '',
  at: [x, y],
  channels: kinds.map((kind, index) => ({
    tag: `${name}.${kind}${index}`,
    name: `${kind}${index}`,
    kind,
    unit: '1',
    doc: '',
    of: kind === 'sensor' ? `${name}.state1` : null,
  })),
});

describe('the drawing of a plant', () => {
  test('has a column for every position to the right and a row for every one upwards', () => {
    const drawing = planSchematic([twin('b', 7, 0), twin('a', -1, 0), twin('c', 100, 3)], []);
    expect([drawing?.columns, drawing?.rows]).toEqual([3, 2]);
    expect(drawing?.nodes.map(({ twin, column, row }) => `${twin} ${column} ${row}`)).toEqual([
      'a 0 1',
      'b 1 1',
      'c 2 0',
    ]);
  });

  test('joins twins once, however many connections there are between them, and none with itself', () => {
    const connect = [
      { from: 'a.flow', to: 'b.inflow' },
      { from: 'b.level', to: 'a.head' },
      { from: 'b.level', to: 'b.own' },
      { from: 'gone.x', to: 'a.head' },
    ];
    const drawing = planSchematic([twin('a', 0, 0), twin('b', 1, 0)], connect);
    expect(drawing?.lines.map(({ from, to }) => `${from.twin}-${to.twin}`)).toEqual(['a-b']);
  });

  test('leaves out the lines of what feeds everybody', () => {
    const twins = Array.from({ length: 7 }, (_, x) => twin(`t${x}`, x, 0));
    const everybody = twins.slice(1).map(({ name }) => ({ from: 't0.T', to: `${name}.T` }));
    const drawing = planSchematic(twins, [...everybody, { from: 't0.heat', to: 't1.heat' }]);
    expect(drawing?.lines.map(({ from, to }) => `${from.twin}-${to.twin}`)).toEqual(['t0-t1']);
  });

  test('shows the state that others are fed with, or else the one that is measured', () => {
    const kinds: Parameters<typeof twin>[3] = ['state', 'state', 'sensor'];
    const twins = [twin('a', 0, 0, kinds), twin('b', 1, 0, kinds), twin('c', 2, 0, ['output'])];
    const drawing = planSchematic(twins, [{ from: 'a.state0', to: 'b.input' }]);
    expect(drawing?.nodes.map((node) => node.tag)).toEqual(['a.state0', 'b.state1', null]);
  });

  test('is left out where there is one twin, or two stand in one place', () => {
    expect(planSchematic([twin('a', 0, 0)], [])).toBeNull();
    expect(planSchematic([twin('a', 0, 0), twin('b', 0, 0)], [])).toBeNull();
  });

  test('is left out where so many stand side by side that nobody could read them', () => {
    expect(
      planSchematic(
        Array.from({ length: 11 }, (_, x) => twin(`t${x}`, x, 0)),
        [],
      ),
    ).toBeNull();
  });

  test('is read from left to right and from the top; without places the order stays', () => {
    const names = (twins: Twin[]) => inReadingOrder(twins).map(({ name }) => name);
    expect(names([twin('c', 1, 0), twin('a', 0, 0), twin('b', 0, 5)])).toEqual(['b', 'a', 'c']);
    expect(names([twin('z', 0, 0), twin('a', 0, 0)])).toEqual(['z', 'a']);
  });
});
