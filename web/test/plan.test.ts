import { describe, expect, test } from 'vitest';
import { type Plan, planCharts } from '../src/plan';
import { channel, TWIN } from './kit';

const roles = (plan: Plan | undefined) =>
  plan?.traces.map(({ role, name, hue, mark }) => `${role} ${name} ${hue} ${mark}`);

describe('the charts of a twin', () => {
  test('draw states of one unit together, spread first and estimate on top, sensors in the colour of their state', () => {
    const [first] = planCharts(TWIN.channels);
    expect(first?.name).toBe('Temperature');
    expect(roles(first)).toEqual([
      'spread T_air 0 0',
      'spread T_bed 1 0',
      'measured t2 0 0',
      'measured t3 0 1',
      'estimate T_air 0 0',
      'estimate T_bed 1 0',
    ]);
  });

  test('give the sensors of a lone state colours of their own, and the same among the innovations', () => {
    const [first, second] = planCharts(TWIN.channels.filter((channel) => channel.name !== 'T_bed'));
    expect(first?.name).toBe('T_air');
    expect(roles(first)?.slice(1, 3)).toEqual(['measured t2 1 0', 'measured t3 2 1']);
    expect(roles(second)).toEqual(['innovation t2 1 0', 'innovation t3 2 1']);
  });

  test('hold no more than four estimates, the measured ones first', () => {
    const states = ['a', 'b', 'c', 'd', 'e'].map((name) => channel(name, 'state'));
    const plans = planCharts([...states, channel('s', 'sensor', { of: 'box.e' })]);
    const names = plans.map(({ traces }) => traces.filter(({ role }) => role === 'estimate').map(({ name }) => name));
    expect(names).toEqual([['e', 'a', 'b', 'c'], [], ['d']]);
    expect(plans.map(({ kind }) => kind)).toEqual(['sensed', 'innovation', 'hidden']);
  });

  test('give a sensor of nothing a chart of its own', () => {
    const plans = planCharts([channel('flow', 'sensor', { of: 'elsewhere.flow' })]);
    expect(plans.map(({ id }) => id)).toEqual(['box.flow', 'innovations']);
  });

  test('never draw a sensor against an axis of another unit', () => {
    const level = channel('level', 'state', { unit: 'm' });
    const gauge = channel('gauge', 'sensor', { unit: 'cm', of: level.tag });
    expect(planCharts([level, gauge]).map(({ id, traces }) => [id, traces.map(({ role }) => role)])).toEqual([
      ['box.gauge', ['measured']],
      ['innovations', ['innovation']],
      ['box.level', ['spread', 'estimate']],
    ]);
  });

  test('show the statistic with its limit, and not among the states', () => {
    const plan = planCharts(TWIN.channels).find(({ kind }) => kind === 'divergence');
    expect(plan?.id).toBe('box.divergence');
    expect(roles(plan)).toEqual(['limit divergence 0 0', 'statistic divergence 0 0']);
  });
});
