import { expect, test } from 'vitest';
import {
  bindingsPatch,
  type DeviceDetail,
  mergePatch,
  readCandidates,
  readDevice,
  readDeviceList,
  readObject,
  readToken,
} from '../src/devices';

const BRIEF = {
  name: 'rig-1',
  state: 'claimed',
  connected: true,
  connector: 'websocket',
  peer: '127.0.0.1:7',
  calls_itself: 'spare',
  session: 4,
  first_seen: 1_000_000_000,
  last_seen: null,
  credential: null,
  claimed_by: 'anna',
  claimed_at: 2_000_000_000,
  tag_count: 2,
  binding_count: 1,
  desired_version: 1,
  reported_version: 0,
};
const DETAIL = {
  ...BRIEF,
  certificate: null,
  former: ['rig-1'],
  tags: [
    { name: 'depth', unit: 'mm', actuator: false, value: 425, time: 5 },
    { name: 'door', unit: null, actuator: true, value: null, time: null },
  ],
  bindings: { depth: { tag: 'tank1.gauge', unit: 'mm', fault: null } },
  desired: { version: 1, changed: 1, value: { period: 2, gain: { p: 1, i: 2 } } },
  reported: { version: 0, changed: null, value: {} },
  as_desired: false,
};

const device = (): DeviceDetail => readDevice(JSON.stringify(DETAIL));

test('a list and a device say what the server says', () => {
  const addresses = [
    { connector: 'line', kind: 'mqtt', address: 'a/b', value: 1.5, time: 1, count: 2, binding: '{ }' },
  ];
  const list = readDeviceList(
    JSON.stringify({ pairing: { open: true, until: 3_000_000_000 }, devices: [BRIEF], addresses }),
  );
  expect(list.pairing).toEqual({ open: true, until: 3 });
  expect(list.devices[0]).toMatchObject({ name: 'rig-1', tagCount: 2, bindingCount: 1 });
  expect(list.addresses[0]).toMatchObject({ address: 'a/b', binding: '{ }' });
  expect(device()).toMatchObject({
    callsItself: 'spare',
    session: 4,
    firstSeen: 1,
    claimedBy: 'anna',
    asDesired: false,
  });
  expect(device().bindings.get('depth')).toEqual({ tag: 'tank1.gauge', unit: 'mm', fault: null });
  expect(readCandidates('{"depth":["tank1.gauge"]}').get('depth')).toEqual(['tank1.gauge']);
  expect(readToken('{"device":{},"token":"plx_1"}')).toBe('plx_1');
  expect(readToken('{"device":{},"token":null}')).toBeNull();
});

test('what is bound otherwise is a patch, and what stays is not in it', () => {
  expect(bindingsPatch(device(), new Map([['depth', 'tank1.gauge']]))).toEqual({});
  expect(bindingsPatch(device(), new Map([['depth', '']]))).toEqual({ depth: null });
  expect(
    bindingsPatch(
      device(),
      new Map([
        ['depth', 'tank2.gauge'],
        ['door', 'tank1.valve'],
      ]),
    ),
  ).toEqual({ depth: { tag: 'tank2.gauge' }, door: { tag: 'tank1.valve' } });
});

test('what is written is an object or says why it is none', () => {
  expect(readObject('{"period": 2}')).toEqual({ value: { period: 2 } });
  expect(readObject('[1]')).toHaveProperty('why');
  expect(readObject('{')).toHaveProperty('why');
});

test('a merge patch has what changes, and null for what goes', () => {
  const before = device().desired.value;
  expect(mergePatch(before, { period: 2, gain: { p: 1, i: 2 } })).toEqual({});
  expect(mergePatch(before, { period: 3, gain: { p: 1 } })).toEqual({ period: 3, gain: { i: null } });
  expect(mergePatch(before, { gain: 7, mode: 'fast' })).toEqual({ period: null, gain: 7, mode: 'fast' });
  expect(mergePatch(null, { a: 1 })).toEqual({ a: 1 });
});
