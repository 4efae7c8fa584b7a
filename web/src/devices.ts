/** Devices that have come: what each offers, what it is bound to, and how it is to be set. docs/protocol.md, "Devices
 *  that are claimed".
 *
 *  Takes: the bodies of `GET devices` and what lies below it.  Gives: what they say.
 */
import { type Field, parseJson } from './decode';
import type { Seconds } from './protocol';

export const DEVICE_STATES = ['unclaimed', 'direct', 'claimed', 'disabled'] as const;
export type DeviceState = (typeof DEVICE_STATES)[number];

/** A device in short, as a list has it. */
export interface DeviceBrief {
  name: string;
  state: DeviceState;
  connected: boolean;
  peer: string | null;
  tagCount: number;
  bindingCount: number;
}

/** What a connector has heard that nothing in the script is bound to. */
export interface HeardAddress {
  connector: string;
  address: string;
  value: number | null;
  /** What the script's `bind` has for it. */
  binding: string;
}

export interface DeviceList {
  /** Null where devices are not claimed at all. */
  pairing: { open: boolean; until: Seconds | null } | null;
  devices: DeviceBrief[];
  addresses: HeardAddress[];
}

export interface OfferedTag {
  name: string;
  unit: string | null;
  actuator: boolean;
  /** The newest, in the unit of the device. */
  value: number | null;
}

/** One half of a device's twin. */
export interface DeviceDocument {
  version: number;
  value: unknown;
}

export interface DeviceDetail extends DeviceBrief {
  callsItself: string;
  /** Of its newest connection: a claim is for that, and no other. */
  session: number;
  firstSeen: Seconds | null;
  credential: string | null;
  claimedBy: string | null;
  subject: string | null;
  tags: OfferedTag[];
  /** By what the device calls it: the plant's tag, and why the plant cannot take it any more. */
  bindings: Map<string, { tag: string; unit: string | null; fault: string | null }>;
  desired: DeviceDocument;
  reported: DeviceDocument;
  asDesired: boolean;
}

const text = (field: Field) => field.text();
const number = (field: Field) => field.number();

const readBrief = (field: Field): DeviceBrief => ({
  name: field.get('name').text(),
  state: field.get('state').oneOf(DEVICE_STATES),
  connected: field.get('connected').boolean(),
  peer: field.get('peer').or(null, text),
  tagCount: field.get('tag_count').number(),
  bindingCount: field.get('binding_count').number(),
});

export function readDeviceList(body: string): DeviceList {
  const list = parseJson(body);
  return {
    pairing: list.get('pairing').or(null, (pairing) => ({
      open: pairing.get('open').boolean(),
      until: pairing.get('until').or(null, (until) => until.time()),
    })),
    devices: list.get('devices').list(readBrief),
    addresses: list.get('addresses').list((address) => ({
      connector: address.get('connector').text(),
      address: address.get('address').text(),
      value: address.get('value').or(null, number),
      binding: address.get('binding').text(),
    })),
  };
}

const readDocument = (field: Field): DeviceDocument => ({
  version: field.get('version').number(),
  value: field.get('value').raw(),
});

function readDetail(device: Field): DeviceDetail {
  return {
    ...readBrief(device),
    callsItself: device.get('calls_itself').text(),
    session: device.get('session').number(),
    firstSeen: device.get('first_seen').or(null, (time) => time.time()),
    credential: device.get('credential').or(null, text),
    claimedBy: device.get('claimed_by').or(null, text),
    subject: device.get('certificate').or(null, (certificate) => certificate.get('subject').text()),
    tags: device.get('tags').list((tag) => ({
      name: tag.get('name').text(),
      unit: tag.get('unit').or(null, text),
      actuator: tag.get('actuator').boolean(),
      value: tag.get('value').or(null, number),
    })),
    bindings: device.get('bindings').table((binding) => ({
      tag: binding.get('tag').text(),
      unit: binding.get('unit').or(null, text),
      fault: binding.get('fault').or(null, text),
    })),
    desired: readDocument(device.get('desired')),
    reported: readDocument(device.get('reported')),
    asDesired: device.get('as_desired').boolean(),
  };
}

export const readDevice = (body: string): DeviceDetail => readDetail(parseJson(body));

/** By what the device calls its tags, those of the plant that fit. */
export const readCandidates = (body: string): Map<string, string[]> =>
  parseJson(body).table((names) => names.list(text));

/** What a claim has given, besides the device: its token, this once. */
export const readToken = (body: string): string | null => parseJson(body).get('token').or(null, text);

/** What changes when `chosen` (a tag of the plant for each of the device's, '' for none) takes the place of what is
 *  bound: a merge patch. */
export function bindingsPatch(
  device: DeviceDetail,
  chosen: Map<string, string>,
): Record<string, { tag: string } | null> {
  const patch: Record<string, { tag: string } | null> = {};
  for (const [name, tag] of chosen) {
    const bound = device.bindings.get(name)?.tag ?? '';
    if (tag !== bound) patch[name] = tag === '' ? null : { tag };
  }
  return patch;
}

/** What somebody wrote as JSON, which must be an object: or why it is none. */
export function readObject(written: string): { value: object } | { why: string } {
  try {
    const value: unknown = JSON.parse(written);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { value };
    return { why: 'Expected an object, as in {"period": 2}.' };
  } catch (reason) {
    return { why: reason instanceof Error ? reason.message : String(reason) };
  }
}

/** The patch that turns one object into another: members that are gone become null. */
export function mergePatch(from: unknown, to: object): Record<string, unknown> {
  const before = typeof from === 'object' && from !== null ? (from as Record<string, unknown>) : {};
  const patch: Record<string, unknown> = {};
  for (const name of Object.keys(before)) if (!Object.hasOwn(to, name)) patch[name] = null;
  for (const [name, value] of Object.entries(to)) {
    const old = Object.hasOwn(before, name) ? before[name] : undefined;
    if (JSON.stringify(old) === JSON.stringify(value)) continue;
    patch[name] = isObject(old) && isObject(value) ? mergePatch(old, value) : value;
  }
  return patch;
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
