import { expect, test } from 'vitest';
import type { Access } from '../src/access';
import { openGate, standingOf, standingText, whyNotMode } from '../src/gate';
import { readFrame } from '../src/protocol';
import { apply } from '../src/state';
import { emptyState, NOW, NOW_NS, snapshot, tick } from './kit';

const gate = (more: object = {}): object => ({
  dry_run: false,
  actuators: {
    'box.heater': {
      mode: 'manual',
      mode_by: 'anna',
      mode_reason: 'trial',
      mode_since: NOW_NS,
      fail_safe: 0,
      held: false,
      held_by: '',
      held_reason: '',
      held_since: null,
      ...more,
    },
  },
});

const receive = (frames: object[]) => {
  const state = emptyState();
  for (const frame of frames) apply(state, readFrame(JSON.stringify(frame)));
  return state;
};

test('an actuator that nothing is said of is in automatic', () => {
  expect(standingOf(openGate(), 'box.heater').mode).toBe('automatic');
  expect(standingText(standingOf(openGate(), 'box.heater'))).toBeNull();
});

test('a snapshot says how actuators stand, and a server of before says nothing', () => {
  expect(standingText(standingOf(receive([snapshot({ gate: gate() })]).gate, 'box.heater'))).toBe('manual: trial');
  expect(receive([snapshot()]).gate).toEqual(openGate());
});

test('a tick says what has changed, and leaves alone what it does not name', () => {
  const held = gate({ held: true, held_reason: 'fire drill', held_since: NOW_NS });
  const state = receive([snapshot({ gate: gate() }), tick({ gate: { ...held, dry_run: true } }), tick()]);
  const heater = standingOf(state.gate, 'box.heater');
  expect(state.gate.dryRun).toBe(true);
  expect(heater.heldSince).toBe(NOW);
  expect(standingText(heater)).toBe('held at its fail-safe value: fire drill');
});

test('into and out of blocked takes the right to configure', () => {
  const operator: Access = {
    mode: 'required',
    user: 'anna',
    role: 'operator',
    rights: new Set(['view', 'forecast', 'acknowledge', 'command']),
    csrf: null,
  };
  expect(whyNotMode(operator, 'automatic', 'manual')).toBeNull();
  expect(whyNotMode(operator, 'automatic', 'blocked')).toContain('engineer');
  expect(whyNotMode(operator, 'blocked', 'manual')).toContain('engineer');
});
