import { describe, expect, test } from 'vitest';
import { readAlarms, readFrame } from '../src/protocol';
import { readRoute } from '../src/route';
import {
  addAlarms,
  addNewest,
  apply,
  dropRequests,
  enterRoute,
  goBack,
  missingTwin,
  plantTime,
  type State,
  selectSpan,
  showPiece,
} from '../src/state';
import { alarm, emptyState, NOW, NOW_NS, snapshot, TWIN, tick } from './kit';

const receive = (state: State, ...messages: object[]) => {
  for (const message of messages) apply(state, readFrame(JSON.stringify(message)));
};

const started = (): State => {
  const state = emptyState();
  receive(state, snapshot());
  return state;
};

const at = (seconds: number) => NOW_NS + seconds * 1e9;

describe('the state', () => {
  test('shows the first twin after a snapshot, and wants its record', () => {
    const state = started();
    expect(state.plant?.name).toBe('incubator');
    expect(state.selected).toBe('box');
    expect(state.trends?.all.map((trend) => trend.kind)).toEqual([
      'sensed',
      'innovation',
      'divergence',
      'tracked',
      'held',
    ]);
    expect(state.history.kind).toBe('wanted');
    expect(plantTime(state)).toBeNull();
  });

  test('keeps the rings over a reconnect, and makes new ones when the twin has changed', () => {
    const state = started();
    const { trends } = state;
    receive(state, snapshot());
    expect(state.trends).toBe(trends);

    const changed = { ...TWIN, channels: TWIN.channels.slice(1) };
    receive(state, snapshot({ twins: [changed] }));
    expect(state.trends).not.toBe(trends);
  });

  test('takes the newest values of all twins and feeds the rings of the selected one', () => {
    const state = started();
    receive(state, tick({ values: { 'box.T_air': [25, 0.1], 'box.t2': [24.9, null, at(-1)], 'other.x': [1, 2] } }));

    expect(state.values.get('other.x')?.value).toBe(1);
    const ring = state.trends?.all[0]?.ring;
    expect(Array.from(ring?.view()[0] ?? [])).toEqual([NOW - 1, NOW]);
    expect(state.clock?.time).toBe(NOW);
  });

  test('shows why a script was refused until a good one is loaded', () => {
    const state = started();
    receive(state, tick({ counters: {}, script_error: 'plant.lua:7: <eof> expected' }), tick({ time: at(1) }));
    expect(state.scriptError).toBe('plant.lua:7: <eof> expected');
    receive(state, tick({ counters: {}, script_error: null }));
    expect(state.scriptError).toBeNull();
  });

  test('leaves devices and counters as they were when a tick does not mention them', () => {
    const state = started();
    receive(state, tick({ counters: { ticks: 5 } }), tick({ time: at(1) }));
    expect(state.counters.get('ticks')).toBe(5);
  });

  test('starts its charts anew when plant time goes back', () => {
    const state = started();
    receive(state, tick({ values: { 'box.T_air': [25, 0.1] } }));
    state.history = { kind: 'loaded' };
    receive(state, tick({ time: at(-600), values: { 'box.T_air': [20, 0.1] } }));

    expect(state.trends?.newest).toBe(NOW - 600);
    expect(state.history.kind).toBe('wanted');
  });

  test('shows a span that does not rush past, until a person chooses one', () => {
    const state = started();
    receive(state, tick({ speed: 10 }));
    expect(state.span).toBe(900);
    receive(state, tick({ speed: 60 }));
    expect(state.span).toBe(3600);
    selectSpan(state, 300);
    receive(state, tick({ speed: 60 }));
    expect(state.span).toBe(300);
  });

  test('wants the record for a longer span, not for a shorter one', () => {
    const state = started();
    state.history = { kind: 'loaded' };
    selectSpan(state, 60);
    expect(state.history.kind).toBe('loaded');
    selectSpan(state, 3600);
    expect(state.history.kind).toBe('wanted');
  });

  test('wants it for a shorter one too where few of the ticks were kept meanwhile', () => {
    const state = started();
    selectSpan(state, 365 * 86_400);
    state.history = { kind: 'loaded' };
    selectSpan(state, 60);
    expect(state.history.kind).toBe('wanted');
  });

  test('goes back from piece to piece of time, and to the live edge', () => {
    const state = started();
    const [first, second] = [1, 2].map((hours) => ({ from: NOW - 3600 * hours, to: NOW - 1800 * hours }));
    if (first === undefined || second === undefined) throw new Error('there are two pieces');
    showPiece(state, first);
    showPiece(state, second);
    goBack(state);
    expect(state.piece).toEqual(first);
    goBack(state);
    expect(state.piece).toBeNull();
    goBack(state);
    expect(state.piece).toBeNull();

    showPiece(state, first);
    selectSpan(state, 60);
    expect([state.piece, state.earlier]).toEqual([null, []]);
  });

  test('lets what ticks said win over what a slower answer remembers', () => {
    const state = started();
    receive(
      state,
      tick({ values: { 'box.T_air': [25, 0.1] }, alarms: [alarm({ state: 'acknowledged', revision: 2 })] }),
    );
    addNewest(state, {
      time: NOW - 5,
      values: new Map([['box.T_air', { value: 1, sd: 1, time: null, quality: null }]]),
    });
    addAlarms(state, readAlarms(JSON.stringify([alarm()])));

    expect(state.values.get('box.T_air')?.value).toBe(25);
    expect(state.clock?.time).toBe(NOW);
    expect(state.alarms.get(7)?.state).toBe('acknowledged');
  });
});

describe('an address', () => {
  const BOTH = [TWIN, { ...TWIN, name: 'lid' }];
  const open = (hash: string, more: object = {}): State => {
    const state = emptyState();
    enterRoute(state, readRoute(hash));
    receive(state, snapshot({ twins: BOTH, ...more }), tick());
    return state;
  };

  test('with a moment shows the time around it, and the newest again when it is left', () => {
    const state = open(`#/twin/lid?at=${NOW - 3600}`);
    expect(state.selected).toBe('lid');
    expect(state.piece).toEqual({ from: NOW - 3600 - 450, to: NOW - 3600 + 450 });
    showPiece(state, null);
    enterRoute(state, readRoute('#/twin/box'));
    expect(state.piece).toBeNull();
  });

  test('with a moment that is just over shows nothing of what has not been', () => {
    const state = open('#/alarms');
    enterRoute(state, readRoute(`#/twin/box?at=${NOW - 60}`));
    expect(state.piece).toEqual({ from: NOW - 900, to: NOW });
  });

  test('of a twin that the plant does not have says so, until another is asked for', () => {
    const state = open('#/twin/nobody');
    expect(missingTwin(state)).toBe('nobody');
    enterRoute(state, readRoute('#/twin/lid'));
    expect([missingTwin(state), state.selected]).toEqual([null, 'lid']);
    enterRoute(state, readRoute('#/twin/nobody'));
    enterRoute(state, readRoute('#/twin'));
    expect([missingTwin(state), state.selected]).toEqual([null, 'lid']);
  });

  test('of a twin that the script brings later shows it then', () => {
    const state = open('#/twin/later');
    receive(state, snapshot({ twins: [...BOTH, { ...TWIN, name: 'later' }] }));
    expect([missingTwin(state), state.selected]).toEqual([null, 'later']);
  });

  test('of a twin of a fleet waits for the server to say whether there is one', () => {
    const state = open('#/twin/cell_7', { twin_count: 1000 });
    expect(missingTwin(state)).toBeNull();
    state.refused = 'cell_7';
    expect(missingTwin(state)).toBe('cell_7');
  });
});

describe('an alarm', () => {
  test('is replaced by its newer revision', () => {
    const state = started();
    receive(
      state,
      tick({ alarms: [alarm()] }),
      tick({ time: at(1), alarms: [alarm({ state: 'returned', revision: 2 })] }),
    );
    expect(state.alarms.get(7)?.state).toBe('returned');
    expect(state.alarms.size).toBe(1);
  });

  test('that is over is forgotten before one that is not', () => {
    const state = started();
    const over = Array.from({ length: 300 }, (_, index) =>
      alarm({ id: 100 + index, state: 'over', raised: at(index) }),
    );
    receive(state, tick({ alarms: [alarm(), ...over] }));

    expect(state.alarms.size).toBe(200);
    expect(state.alarms.has(7)).toBe(true);
    expect(state.alarms.has(399)).toBe(true);
  });

  test('shows why it could not be acknowledged', () => {
    const state = started();
    state.asked.set(7, { kind: 'sent', deed: 'acknowledge', request: 3 });
    receive(state, {
      topic: 'acknowledge',
      headers: { id: 3, status: 403 },
      value: { title: 'Forbidden', status: 403, detail: 'viewers may not' },
    });
    expect(state.asked.get(7)).toEqual({ kind: 'refused', deed: 'acknowledge', why: 'viewers may not' });
  });

  test('loses a request when it is acknowledged, whoever did it', () => {
    const state = started();
    state.asked.set(7, { kind: 'sent', deed: 'acknowledge', request: 3 });
    receive(state, tick({ alarms: [alarm({ state: 'acknowledged' })] }));
    expect(state.asked.size).toBe(0);
  });

  test('sounds when it is new, the gravest of several, and not when somebody has shelved it', () => {
    const state = started();
    receive(state, tick({ alarms: [alarm({ id: 1, severity: 'critical', shelved: at(60) })] }));
    expect(state.unheard).toBeNull();
    receive(state, tick({ alarms: [alarm({ id: 2, severity: 'major' }), alarm({ id: 3, severity: 'warning' })] }));
    expect(state.unheard).toBe('major');

    state.unheard = null;
    receive(state, tick({ alarms: [alarm({ id: 2, severity: 'major', revision: 2 })] }));
    expect(state.unheard).toBeNull();
  });

  test('says so when the connection breaks before the answer', () => {
    const state = started();
    state.asked.set(7, { kind: 'sent', deed: 'acknowledge', request: 3 });
    dropRequests(state);
    expect(state.asked.get(7)?.kind).toBe('refused');
  });
});

test('commands are kept by their newest state, and only so many', () => {
  const state = started();
  const command = (id: number, more: object = {}) => ({
    id,
    tag: 'box.heater_enable',
    value: 0,
    state: 'sent',
    by: 'handler:divergence',
    reason: 'lid open',
    detail: '',
    time: NOW_NS,
    ended: null,
    ...more,
  });
  receive(state, tick({ commands: Array.from({ length: 70 }, (_, id) => command(id)) }));
  receive(state, tick({ time: at(1), commands: [command(69, { state: 'done', ended: at(1) })] }));

  expect(state.commands.size).toBe(50);
  expect(state.commands.has(0)).toBe(false);
  expect(state.commands.get(69)?.state).toBe('done');
});
