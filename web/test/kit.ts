/** Messages as the server would send them, to be changed in the places that a test is about. */
import type { Channel, Tick, Twin } from '../src/protocol';
import { readRoute } from '../src/route';
import { createState, type State } from '../src/state';

/** Nanoseconds since 1970, as on the wire; 14:49:00 on 22 January 2021. */
export const NOW_NS = 1_611_326_940_000_000_000;
export const NOW = NOW_NS / 1e9;

export const channel = (name: string, kind: Channel['kind'], more: Partial<Channel> = {}): Channel => ({
  tag: `box.${name}`,
  name,
  kind,
  unit: 'degC',
  doc: '',
  of: null,
  min: null,
  max: null,
  ...more,
});

export const TWIN: Twin = {
  name: 'box',
  model: 'incubator',
  doc: '',
  at: [0, 0],
  channels: [
    channel('T_air', 'state'),
    channel('T_bed', 'state'),
    channel('G', 'tracked', { unit: 'W/K' }),
    channel('divergence', 'statistic', { unit: '1' }),
    channel('t2', 'sensor', { of: 'box.T_air' }),
    channel('t3', 'sensor', { of: 'box.T_air' }),
    channel('heater_on', 'input', { unit: '1' }),
  ],
  limits: [],
};

export const snapshot = (more: object = {}): object => ({
  topic: 'snapshot',
  value: {
    plant: 'incubator',
    doc: '',
    version: '0.1.0',
    step: 0.5,
    clock: 'provider',
    twins: [TWIN],
    connect: [],
    alarms: [],
    commands: [],
    ...more,
  },
});

export const tick = (more: object = {}): object => ({
  topic: 'tick',
  value: { time: NOW_NS, tick: 1, speed: 1, hash: 'ab', values: {}, twins: {}, alarms: [], commands: [], ...more },
});

export const alarm = (more: object = {}): object => ({
  id: 7,
  twin: 'box',
  name: 'divergence',
  severity: 'critical',
  state: 'raised',
  text: 'lid open?',
  raised: NOW_NS,
  acknowledged: null,
  returned: null,
  amended: null,
  shelved: null,
  suppressed: false,
  comments: 0,
  revision: 1,
  ...more,
});

export const emptyTick = (more: Partial<Tick> = {}): Tick => ({
  time: NOW,
  tick: 1,
  speed: 1,
  hash: '',
  values: new Map(),
  twins: new Map(),
  alarms: [],
  commands: [],
  gate: null,
  connections: null,
  counters: null,
  scriptError: null,
  ...more,
});

export const emptyState = (): State =>
  createState({ operator: '', isSounding: false, theme: 'dark', themeChoice: 'dark', route: readRoute(''), wall: 0 });
