import { describe, expect, test } from 'vitest';
import type { Twin } from '../src/protocol';
import { inReadingOrder, laidOut, middleOf, pathOf, planSchematic, sizeOf } from '../src/schematic';

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
    min: null,
    max: null,
  })),
  limits: [],
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

  test('draws twins that stand nowhere in the order in which they feed each other, loops included', () => {
    const connect = [
      { from: 'a.flow', to: 'b.inflow' },
      { from: 'b.flow', to: 'c.inflow' },
      { from: 'c.level', to: 'c.own' },
    ];
    const twins = ['c', 'b', 'a'].map((name) => twin(name, 0, 0));
    const columns = planSchematic(twins, connect)?.nodes.map(({ twin, column }) => [twin, column]);
    expect(Object.fromEntries(columns ?? [])).toEqual({ a: 0, b: 1, c: 2 });

    const loop = planSchematic(twins, [...connect, { from: 'c.flow', to: 'a.inflow' }]);
    expect(new Set(loop?.nodes.map(({ column, row }) => `${column} ${row}`)).size).toBe(3);
    expect(planSchematic([twin('a', 0, 0)], [])).toBeNull();
  });

  test('knows which way it flows: an input that draws takes from its twin', () => {
    const pump: Twin = { ...twin('pump', 1, 0, ['output']) };
    const channels = pump.channels.map((channel) => ({ ...channel, unit: 'm^3/h' }));
    const connect = [
      { from: 'pump.output0', to: 'tank.draw_1' },
      { from: 'pump.output0', to: 'tower.inflow' },
    ];
    const drawing = planSchematic([twin('tank', 0, 0), { ...pump, channels }, twin('tower', 2, 0)], connect);
    expect(drawing?.lines.map(({ from, to, flow }) => `${from.twin} ${to.twin} ${flow?.sign}`)).toEqual([
      'tank pump 1',
      'pump tower 1',
    ]);
  });

  test('has no flow where twins only know of each other', () => {
    const drawing = planSchematic([twin('a', 0, 0, ['state']), twin('b', 1, 0)], [{ from: 'a.state0', to: 'b.head' }]);
    expect(drawing?.lines[0]?.flow).toBeNull();
  });

  test('is drawn along the longer side of the screen, and lines follow', () => {
    const drawing = planSchematic([twin('a', 0, 0), twin('b', 1, 0)], [{ from: 'a.x', to: 'b.y' }]);
    if (drawing === null) throw new Error('there is a drawing');
    const wide = laidOut(drawing, { width: 800, height: 300 });
    const high = laidOut(drawing, { width: 300, height: 800 });
    expect([wide.columns, wide.rows]).toEqual([2, 1]);
    expect([high.columns, high.rows]).toEqual([1, 2]);
    expect(high.lines[0]?.to).toBe(high.nodes[1]);
    const [a, b] = high.nodes.map((node) => middleOf(node, high));
    expect(high.lines.map((line) => pathOf(line, high))).toEqual([`M${a?.x} ${a?.y}L${b?.x} ${b?.y}`]);
    expect(a?.x).toBe(b?.x);
  });

  test('has rows farther apart where there is room, and never closer than boxes are high', () => {
    const drawing = planSchematic([twin('a', 0, 0), twin('b', 1, 0), twin('c', 1, 1)], []);
    if (drawing === null) throw new Error('there is a drawing');
    const heights = [200, 390, 5000].map((height) => sizeOf(laidOut(drawing, { width: 400, height })).height);
    expect(heights[0]).toBe(sizeOf(drawing).height);
    expect(heights[1]).toBeGreaterThan(heights[0] ?? 0);
    expect(heights[2]).toBeLessThan(500);
  });

  test('is read from left to right and from the top; without places the order stays', () => {
    const names = (twins: Twin[]) => inReadingOrder(twins).map(({ name }) => name);
    expect(names([twin('c', 1, 0), twin('a', 0, 0), twin('b', 0, 5)])).toEqual(['b', 'a', 'c']);
    expect(names([twin('z', 0, 0), twin('a', 0, 0)])).toEqual(['z', 'a']);
  });
});
