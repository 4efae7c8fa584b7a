import { describe, expect, test } from 'vitest';
import { EVERY_ACTIVE, filterAlarms, sentenceOf, whyUndoable } from '../src/alarms';
import { readDossier, readShelves } from '../src/alarms/dossier';
import { calmText } from '../src/alarms/words';
import { type Alarm, readAlarms } from '../src/protocol';
import { alarm, NOW, NOW_NS } from './kit';

const alarms = (...all: object[]): Alarm[] => readAlarms(JSON.stringify(all.map((more) => alarm(more))));
const first = (more: object): Alarm => {
  const [read] = alarms(more);
  if (read === undefined) throw new Error('an alarm is read');
  return read;
};
const ids = (shown: Alarm[]) => shown.map(({ id }) => id);

describe('the alarms that are shown', () => {
  const all = alarms(
    { id: 1, state: 'acknowledged', severity: 'critical' },
    { id: 2, state: 'raised', severity: 'warning', twin: 'tank1' },
    { id: 3, state: 'returned', severity: 'critical' },
    { id: 4, state: 'raised', severity: 'major' },
    { id: 5, state: 'over' },
    { id: 6, state: 'raised', shelved: NOW_NS },
    { id: 7, state: 'raised', suppressed: true },
  );

  test('begin with what is active and not acknowledged, each kind by gravity', () => {
    expect(ids(filterAlarms(all, EVERY_ACTIVE))).toEqual([4, 2, 3, 1]);
  });

  test('are all of them, or those that nobody wants to hear of', () => {
    expect(filterAlarms(all, { ...EVERY_ACTIVE, show: 'all' })).toHaveLength(7);
    expect(ids(filterAlarms(all, { ...EVERY_ACTIVE, show: 'shelved' })).sort()).toEqual([6, 7]);
  });

  test('have the severity and the words that were asked for', () => {
    expect(ids(filterAlarms(all, { ...EVERY_ACTIVE, severity: 'major' }))).toEqual([4, 3, 1]);
    expect(ids(filterAlarms(all, { ...EVERY_ACTIVE, text: ' TANK1 ' }))).toEqual([2]);
  });
});

test('what cannot be done about an alarm as it stands says why', () => {
  expect(whyUndoable(first({ state: 'raised' }), 'acknowledge')).toBeNull();
  expect(whyUndoable(first({ state: 'over' }), 'acknowledge')).toBe('It is acknowledged.');
  expect(whyUndoable(first({ suppressed: true }), 'shelve')).toMatch(/suppressed/);
  expect(whyUndoable(first({}), 'unshelve')).toBe('It is not shelved.');
});

test('a text that begins with its twin is not told with it twice', () => {
  expect(sentenceOf(first({ twin: 'box', text: 'box: lid open' }))).toBe('box: lid open');
  expect(sentenceOf(first({ twin: 'box', text: 'lid open' }))).toBe('box: lid open');
});

test('the evidence says a text as the alarm does', () => {
  const text = 'hamlet.leakage is 4.00 m^3/h, above 2.00 m^3/h';
  const { alarm: told, evidence } = readDossier(
    JSON.stringify({ alarm: alarm({ text }), evidence: { text, from: NOW_NS, to: NOW_NS } }),
  );
  expect(told.text).toBe('hamlet.leakage is 4.00 m³/h, above 2.00 m³/h');
  expect(evidence?.text).toBe(told.text);
});

test('the evidence has values with their units, and sensors that were heard of', () => {
  const { evidence, comments } = readDossier(
    JSON.stringify({
      alarm: alarm(),
      before: [],
      comments: [{ time: NOW_NS, by: 'anna', text: 'on it' }],
      evidence: {
        text: 'why',
        tags: ['box.T_air'],
        values: { 'box.T_air': [25, 0.1, 'degC'], 'box.t2': [24, null, 'degC'] },
        limit: 24,
        nis: 1.5,
        nis_limit: 1,
        sensors: { t2: { innovation: 0.4, sd: 0.1 }, t3: { innovation: null, sd: null } },
        from: NOW_NS,
        to: NOW_NS,
      },
    }),
  );
  expect(comments).toEqual([{ time: NOW, by: 'anna', text: 'on it' }]);
  expect(evidence?.values.get('box.t2')).toEqual({ value: 24, sd: null, unit: 'degC' });
  expect([...(evidence?.sensors.keys() ?? [])]).toEqual(['t2']);
  expect(readDossier(JSON.stringify({ alarm: alarm() })).evidence).toBeNull();
});

test('what is suppressed has no end', () => {
  const body = {
    alarms: [{ alarm: 7, twin: 'box', name: 'divergence', kind: 'suppressed', until: null, by: 'ben', since: NOW_NS }],
  };
  expect(readShelves(JSON.stringify(body))).toEqual([
    { alarm: 7, twin: 'box', name: 'divergence', kind: 'suppressed', until: null, by: 'ben', comment: '', since: NOW },
  ]);
});

test('an empty list calms nobody while there is no connection', () => {
  expect(calmText({ kind: 'live' })).toMatch(/^Nothing is wrong/);
  expect(calmText({ kind: 'offline', since: 0, retryAt: null, why: '' })).toMatch(/is not known here/);
});
