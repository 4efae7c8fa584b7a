import { describe, expect, test } from 'vitest';
import {
  actsOf,
  type CaseDraft,
  type Change,
  type Draft,
  firstDraft,
  isChangeable,
  newChange,
  orderFor,
  rangeFor,
  scenarioOf,
  switched,
  tidied,
  whatIsWrong,
  whyNoSearch,
  wishesOf,
  withValues,
} from '../src/forecast/draft';
import { NOBODY } from '../src/protocol';
import { channel, TWIN } from './kit';

const change = (tag: string, more: Partial<Change> = {}): Change => ({
  tag,
  points: [{ at: 0, value: 20 }],
  order: null,
  vary: null,
  ...more,
});

const CONTROL = { control: true, handlers: false };
const BOTH = { control: true, handlers: true };

const one = (name: string, ...changes: Change[]): CaseDraft => ({ name, changes, acts: null });

const draft = (more: Partial<Draft> = {}): Draft => ({
  horizon: 600,
  members: 64,
  tags: ['box.T_air'],
  cost: { kind: 'integral', expression: '', unit: '' },
  cases: [one('base', change('box.a')), one('other')],
  limits: new Map(),
  ...more,
});

describe('a scenario by hand', () => {
  test('is sent with one base and the others beside it, for common random numbers', () => {
    const scenario = scenarioOf(draft(), false);
    expect(scenario.changes).toEqual({ 'box.a': 20 });
    expect(scenario.alternatives).toEqual([{ name: 'other', changes: {} }]);
    expect(scenario.optimize).toBeUndefined();
    expect(scenario.cost).toBeUndefined();
  });

  test('has no list of alternatives where there are none', () => {
    const [base] = draft().cases;
    expect(scenarioOf(draft({ cases: base === undefined ? [] : [base] }), false)).not.toHaveProperty('alternatives');
  });

  test('tells steps in the order of their times, a single late one as a step too', () => {
    const points = [
      { at: 300, value: 2 },
      { at: 60, value: 1 },
    ];
    const late = change('box.b', { points: [{ at: 60, value: 5 }] });
    const scenario = scenarioOf(draft({ cases: [one('x', change('box.a', { points }), late)] }), false);
    expect(scenario.changes).toEqual({
      'box.a': [
        [60, 1],
        [300, 2],
      ],
      'box.b': [[60, 5]],
    });
  });

  test('is searched in what varies, with the cost it is to make small', () => {
    const varied = draft({
      cost: { kind: 'final', expression: ' t.box.P ', unit: 'W' },
      cases: [one('x', change('box.a', { vary: [10, 30] }), change('box.b'))],
      limits: new Map([['box.hot', 0.05]]),
    });
    const scenario = scenarioOf(varied, true);
    expect(scenario.optimize).toEqual({ vary: { 'box.a': [10, 30] }, limits: { 'box.hot': 0.05 } });
    expect(scenario.cost).toEqual({ final: 't.box.P', unit: 'W' });
    expect(whyNoSearch(varied)).toBeNull();
    expect(whyNoSearch(draft())).toContain('vary');
    expect(whyNoSearch({ ...varied, cost: draft().cost })).toContain('costs');
  });

  test.each([
    ['horizon', draft({ horizon: Number.NaN })],
    ['Members', draft({ members: 1 })],
    ['at least one value', draft({ tags: [] })],
    ['same name', draft({ cases: ['a', 'a '].map((name) => one(name)) })],
    ['changed twice', draft({ cases: [one('a', change('x'), change('x'))] })],
    ['needs a number', draft({ cases: [one('a', change('x', { points: [{ at: 0, value: Number.NaN }] }))] })],
    ['outside', draft({ cases: [one('a', change('x', { points: [{ at: 600, value: 1 }] }))] })],
    [
      'one step',
      draft({
        cases: [one('a', change('x', { vary: [1, 2], points: [0, 9].map((at) => ({ at, value: 1 })) }))],
      }),
    ],
    ['0 to 100', draft({ limits: new Map([['box.hot', Number.NaN]]) })],
    ['no room', draft({ cases: [one('a', change('x', { vary: [3, 3] }))] })],
  ])('says what is wrong: %s', (word, wrong) => {
    expect(whatIsWrong(wrong)).toContain(word);
    expect(whatIsWrong(draft())).toBeNull();
  });

  test('takes what was found next to a bound for the bound, by the range that it was searched in', () => {
    const varied = draft({ cases: [one('as it is', change('box.a', { vary: [0, 8] }))] });
    const best = { cost: 1, unit: 'kWh', keepsLimits: true, evaluations: 30 };
    const values = new Map([
      ['box.a', 5.204e-18],
      ['box.b', 1.23456],
    ]);
    expect(tidied({ ...best, values }, varied)?.values).toEqual(
      new Map([
        ['box.a', 0],
        ['box.b', 1.23456],
      ]),
    );
  });

  test('goes on with the values that a search has found', () => {
    const found = withValues(draft(), new Map([['box.a', 7]]));
    expect(scenarioOf(found, false).changes).toEqual({ 'box.a': 7 });
    expect(found.cases).toHaveLength(2);
  });

  test('begins with the states of the twin that is shown', () => {
    expect(firstDraft(TWIN, 0.5).tags).toEqual(['box.T_air', 'box.T_bed']);
    expect(whatIsWrong(firstDraft(TWIN, 0.5))).toBeNull();
  });
});

describe('who acts', () => {
  const other = one('other');

  test('is not said where nobody does, or where it is as in the first case', () => {
    const plain = scenarioOf(draft(), false);
    expect(plain).not.toHaveProperty('control');
    expect(plain.alternatives?.[0]).toEqual({ name: 'other', changes: {} });
    const acting = draft({ cases: [{ ...one('base'), acts: CONTROL }, other] });
    expect(scenarioOf(acting, false)).toMatchObject({ ...CONTROL, alternatives: [{ name: 'other', changes: {} }] });
    expect(actsOf(other, acting.cases[0])).toEqual(CONTROL);
    expect(scenarioOf(acting, true)).toMatchObject(CONTROL);
  });

  test('is said of a case that differs, whole', () => {
    const base = { ...one('base'), acts: BOTH };
    const cases = [base, { ...other, acts: NOBODY }];
    expect(scenarioOf(draft({ cases }), false).alternatives).toEqual([{ name: 'other', changes: {}, ...NOBODY }]);
  });

  test('are handlers with controllers only: they bring them, and go with them', () => {
    const base = one('base');
    expect(switched(base, undefined, { handlers: true }).acts).toEqual(BOTH);
    expect(switched(other, base, { handlers: true }).acts).toEqual(BOTH);
    const both = { ...base, acts: BOTH };
    expect(switched(other, both, { control: false }).acts).toEqual(NOBODY);
    expect(switched(other, both, { handlers: false }).acts).toEqual(CONTROL);
  });

  test('is as in the first case again when the switches are', () => {
    const base = { ...one('base'), acts: CONTROL };
    const handled = switched(other, base, { handlers: true });
    expect(switched(handled, base, { handlers: false })).toEqual(other);
    expect(switched(base, undefined, { control: false }).acts).toBeNull();
  });

  test('are controllers where an actuator is changed, which is itself what is told', () => {
    const command = newChange(channel('order', 'actuator'), 20, []);
    expect(command.order).toBe('box.order');
    const base = one('base', command);
    expect(whatIsWrong(draft({ cases: [base] }))).toContain('let the controllers act');
    const obeyed = { ...base, acts: CONTROL };
    expect(whatIsWrong(draft({ cases: [obeyed] }))).toBeNull();
    expect(scenarioOf(draft({ cases: [obeyed] }), false).changes).toEqual({ 'box.order': 20 });
    expect(wishesOf(obeyed, obeyed)).toEqual([{ actuator: 'box.order', value: 20 }]);
    // one actuator is told one thing
    const otherwise = {
      ...other,
      changes: [change('box.setpoint', { points: [{ at: 0, value: 7 }], order: 'box.order' })],
    };
    expect(wishesOf(otherwise, obeyed)).toEqual([{ actuator: 'box.order', value: 7 }]);
    // where nobody obeyed, the forecast says nothing of the command
    expect(wishesOf({ ...other, acts: NOBODY }, obeyed)).toEqual([]);
  });
});

test('what other twins feed cannot be changed, nor what a twin makes of it', () => {
  const fed = new Set(['box.inflow']);
  expect(isChangeable(channel('inflow', 'input'), fed, NOBODY)).toBe(false);
  expect(isChangeable(channel('demand', 'input'), fed, NOBODY)).toBe(true);
  expect(isChangeable(channel('T_air', 'state'), fed, NOBODY)).toBe(false);
  expect(isChangeable(channel('G', 'tracked'), fed, NOBODY)).toBe(true);
  expect(isChangeable(channel('order', 'actuator'), fed, NOBODY)).toBe(false);
  expect(isChangeable(channel('order', 'actuator'), fed, CONTROL)).toBe(true);
});

test('an input is ordered by the actuator of its twin that is most alike, of the same unit', () => {
  const actuators = [
    channel('speed_order', 'actuator', { unit: 'rpm' }),
    channel('speed_enable', 'actuator', { unit: '1' }),
    { ...channel('speed_order', 'actuator', { unit: 'rpm' }), tag: 'other.speed_order' },
  ];
  expect(orderFor(channel('speed_setpoint', 'input', { unit: 'rpm' }), actuators)).toBe('box.speed_order');
  expect(orderFor(channel('load', 'input', { unit: 'rpm' }), actuators)).toBeNull();
  expect(newChange(channel('G', 'tracked'), 3, actuators)).toEqual({
    tag: 'box.G',
    points: [{ at: 0, value: 3 }],
    order: null,
    vary: null,
  });
});

test('a slider ends where the model says, or leaves room around the value', () => {
  expect(rangeFor({ min: 0, max: 1 }, 0.4)).toEqual([0, 1]);
  expect(rangeFor({ min: null, max: null }, 20)).toEqual([0, 40]);
  // a limit far away would leave the slider no fineness
  expect(rangeFor({ min: -1000, max: 1e6 }, 20)[1]).toBeLessThan(1e4);
  const [low, high] = rangeFor({ min: null, max: null }, -5);
  expect(low).toBeLessThan(-5);
  expect(high).toBeGreaterThan(-5);
});
