/** The messages of `pollux.v1.json` as docs/protocol.md describes them, as this page sees them.
 *
 *  Takes: the text of a frame or of an answer to GET.  Gives: typed messages, or a ProtocolError.
 *  Times leave this file as seconds: JSON numbers hold nanoseconds to within 256, far less than a pixel.
 */
import { type Field, parseJson } from './decode';
import { type Fleet, type Listed, spreadRuns } from './fleet';
import { proseText } from './format/unit';
import { type Gate, openGate, readGate } from './gate';

export const SUBPROTOCOL = 'pollux.v1.json';

/** Plant time, in seconds since 1970-01-01 UTC. */
export type Seconds = number;

const KINDS = ['state', 'tracked', 'parameter', 'output', 'statistic', 'input', 'sensor', 'actuator'] as const;
const SAMPLE_QUALITIES = ['good', 'uncertain', 'bad'] as const;
const SENSOR_QUALITIES = ['good', 'diverged', 'silent'] as const;
const VERDICTS = ['none', 'sensor', 'process', 'silence'] as const;
const SEVERITIES = ['info', 'warning', 'major', 'critical'] as const;
const ALARM_STATES = ['raised', 'acknowledged', 'returned', 'over'] as const;
const COMMAND_STATES = ['waiting', 'sent', 'done', 'refused', 'failed', 'expired', 'withheld'] as const;

export type Kind = (typeof KINDS)[number];
export type SampleQuality = (typeof SAMPLE_QUALITIES)[number];
export type SensorQuality = (typeof SENSOR_QUALITIES)[number];
export type Verdict = (typeof VERDICTS)[number];
export type Severity = (typeof SEVERITIES)[number];
export type AlarmState = (typeof ALARM_STATES)[number];
export type CommandState = (typeof COMMAND_STATES)[number];

export interface Channel {
  tag: string;
  name: string;
  kind: Kind;
  unit: string;
  doc: string;
  /** The tag that a sensor measures. */
  of: string | null;
  /** What the model lets it be, where that has an end. */
  min: number | null;
  max: number | null;
}

/** From where on one of the twin's alarms is raised, in the unit of its channel. */
export interface Limit {
  alarm: string;
  tag: string;
  side: 'high' | 'low';
  limit: number;
  severity: Severity;
}

export interface Twin {
  name: string;
  model: string;
  doc: string;
  /** Where it stands on the plant's drawing. */
  at: [right: number, up: number];
  channels: Channel[];
  limits: Limit[];
}

/** One tag feeds another: an output of a twin, and an input of another. */
export interface Connection {
  from: string;
  to: string;
}

export interface Snapshot {
  plant: string;
  doc: string;
  version: string;
  /** One tick, in seconds of plant time. */
  step: number;
  clock: string;
  /** Null of a server that does not tell. */
  codegen: Codegen | null;
  acts: Acts;
  /** How many twins there are; of a fleet `twins` are those that somebody looks at. */
  twinCount: number;
  twins: Twin[];
  connect: Connection[];
  alarms: Alarm[];
  commands: Command[];
  gate: Gate;
}

/** Parts of the plant's own script that act in its forecasts, or can. */
export interface Acts {
  /** Its `control`: does what controllers of the plant do. */
  control: boolean;
  /** Its handlers of alarms, of commands and of the time. */
  handlers: boolean;
}

export const NOBODY: Acts = { control: false, handlers: false };

/** What became of the models' programs. */
export interface Codegen {
  /** What runs them. */
  backend: string;
  compiled: number;
  waiting: number;
  refused: number;
  compileTime: Seconds;
  /** Why there is no native code; empty where there is. */
  why: string;
}

export interface Reading {
  /** In the unit of the channel; NaN where the twin has no valid number. */
  value: number;
  /** Standard deviation of an estimate; null for what was measured or set. */
  sd: number | null;
  /** When it was measured; null for an estimate, which holds at the time of the tick. */
  time: Seconds | null;
  quality: SampleQuality | null;
}

export interface SensorHealth {
  /** The last sample minus what the twin expected, and the standard deviation of that difference. */
  innovation: number | null;
  sd: number | null;
  quality: SensorQuality;
}

export interface TwinHealth {
  verdict: Verdict;
  cause: string;
  nis: number | null;
  nisLimit: number | null;
  quality: string;
  sensors: Map<string, SensorHealth>;
}

export interface Alarm {
  id: number;
  twin: string;
  name: string;
  severity: Severity;
  state: AlarmState;
  text: string;
  raised: Seconds;
  acknowledged: Seconds | null;
  returned: Seconds | null;
  /** When late samples last changed its times, or made it. */
  amended: Seconds | null;
  /** Until when nobody wants to hear of it; null where it is not shelved. */
  shelved: Seconds | null;
  /** Whether nobody wants to hear of it until further notice. */
  suppressed: boolean;
  /** How many people have said something about it. */
  comments: number;
  revision: number;
}

export interface Command {
  id: number;
  tag: string;
  value: number;
  state: CommandState;
  by: string;
  reason: string;
  detail: string;
  time: Seconds;
  ended: Seconds | null;
}

/** How the clock of a device goes, measured by when its samples come. */
export interface SourceClock {
  /** Positive is ahead. */
  offset: Seconds;
  uncertainty: Seconds;
  driftPpm: number;
  driftUncertaintyPpm: number;
}

/** What a connector of the plant tells of itself beyond what a device does. */
export interface Way {
  /** Since when it is connected, or is not. */
  since: Seconds | null;
  attempts: number;
  /** Samples that were left out within their dead bands. */
  unchanged: number;
  /** Turns of a schedule that were left out. */
  missed: number;
  /** Tags that are silent. */
  stale: number;
  commands: number;
  failed: number;
  /** Processor time of its thread. */
  busy: Seconds;
  /** The last, empty while there was none. */
  fault: string;
}

/** A device that has come, or a connector of the plant. */
export interface Device {
  name: string;
  kind: string;
  peer: string;
  connected: boolean;
  samples: number;
  refused: number;
  dropped: number;
  late: number;
  duplicate: number;
  future: number;
  last: Seconds | null;
  /** Null where the devices carry the time, and before it is measured. */
  clock: SourceClock | null;
  /** Null of a device. */
  way: Way | null;
}

/** What ticks have changed; a part that a frame leaves out has not changed. */
export interface Tick {
  /** Null before the first tick. */
  time: Seconds | null;
  tick: number;
  speed: number;
  hash: string;
  values: Map<string, Reading>;
  twins: Map<string, TwinHealth>;
  alarms: Alarm[];
  commands: Command[];
  gate: Gate | null;
  connections: Device[] | null;
  counters: Map<string, number> | null;
  /** Why the newest version of the plant's script was refused; null when it was not, or in a frame without counters. */
  scriptError: string | null;
}

export interface Newest {
  /** Null before the first tick. */
  time: Seconds | null;
  values: Map<string, Reading>;
}

export interface Answer {
  /** The topic of the request. */
  to: string;
  id: number | null;
  status: number;
  detail: string;
}

export type Incoming =
  | { topic: 'snapshot'; value: Snapshot }
  | { topic: 'tick'; value: Tick }
  | { topic: 'answer'; value: Answer }
  /** A topic of a later version, which this page passes over. */
  | { topic: 'other'; value: string };

export type Outgoing =
  | { topic: 'subscribe'; headers: { id: number }; value: Record<string, never> }
  | { topic: Deed; headers: { id: number }; value: { alarm: number; by: string } & Particulars };

/** What one may do about an alarm. */
export type Deed = 'acknowledge' | 'comment' | 'shelve' | 'unshelve' | 'suppress' | 'unsuppress';

export interface Particulars {
  comment?: string;
  /** How long an alarm is shelved. */
  seconds?: Seconds;
}

/** One tag's record: columns of equal length, oldest first. */
export interface Series {
  time: Seconds[];
  value: number[];
  /** NaN where the record is of samples. */
  sd: number[];
  /** Where several of the record are one here: the least and the greatest of each; empty where it is as it was taken. */
  min: number[];
  max: number[];
}

export function readFrame(body: string): Incoming {
  const frame = parseJson(body);
  const topic = frame.get('topic').text();
  const status = frame.get('headers').or(null, (headers) => headers.get('status').or(null, (field) => field.number()));

  if (status !== null) return { topic: 'answer', value: readAnswer(frame, topic, status) };
  if (topic === 'snapshot') return { topic, value: readSnapshot(frame.get('value')) };
  if (topic === 'tick') return { topic, value: readTick(frame.get('value')) };
  return { topic: 'other', value: topic };
}

/** The body of `GET /api/v1/twins/NAME`: every newest value of a twin, those that no tick changes included. */
export function readNewest(body: string): Newest {
  const newest = parseJson(body);
  return { time: newest.get('time').or(null, seconds), values: newest.get('values').table(readReading) };
}

/** The body of `GET /api/v1/history`. */
export function readHistory(body: string): Map<string, Series> {
  return parseJson(body).get('series').table(readSeries);
}

/** The body of `GET /api/v1/health`. */
export function readFleet(body: string): Fleet {
  const map = parseJson(body);
  return spreadRuns(map.get('count').number(), map.get('runs').list(number));
}

/** The body of `GET /api/v1/twins`. */
export function readListed(body: string): Listed[] {
  return parseJson(body)
    .get('twins')
    .list((twin) => ({
      name: twin.get('name').text(),
      model: twin.get('model').text(),
      number: twin.get('number').number(),
    }));
}

/** The body of `GET /api/v1/alarms`. */
export function readAlarms(body: string): Alarm[] {
  return parseJson(body).list(readAlarm);
}

function readAnswer(frame: Field, to: string, status: number): Answer {
  const id = frame.get('headers').get('id').or(null, number);
  if (status < 400) return { to, id, status, detail: '' };

  const problem = frame.get('value');
  const title = problem.or('', (value) => value.get('title').or('', text));
  const detail = problem.or('', (value) => value.get('detail').or('', text));
  return { to, id, status, detail: detail || title || `status ${status}` };
}

function readSnapshot(field: Field): Snapshot {
  return {
    plant: field.get('plant').text(),
    doc: field.get('doc').or('', text),
    version: field.get('version').or('', text),
    step: field.get('step').number(),
    clock: field.get('clock').or('', text),
    codegen: field.get('codegen').or(null, readCodegen),
    acts: field.get('acts').or(NOBODY, readActs),
    twinCount: field.get('twin_count').or(0, number),
    twins: field.get('twins').list(readTwin),
    connect: field.get('connect').or([], (connect) => connect.list(readConnection)),
    alarms: field.get('alarms').list(readAlarm),
    commands: field.get('commands').list(readCommand),
    gate: field.get('gate').or(openGate(), readGate),
  };
}

const readActs = (field: Field): Acts => ({
  control: field.get('control').boolean(),
  handlers: field.get('handlers').boolean(),
});

function readCodegen(field: Field): Codegen {
  return {
    backend: field.get('backend').or('', text),
    compiled: field.get('compiled').or(0, number),
    waiting: field.get('waiting').or(0, number),
    refused: field.get('refused').or(0, number),
    compileTime: field.get('compile_ns').or(0, number) / 1e9,
    why: field.get('why').or('', text),
  };
}

function readTwin(field: Field): Twin {
  return {
    name: field.get('name').text(),
    model: field.get('model').text(),
    doc: field.get('doc').or('', text),
    at: field.get('at').or([0, 0], (at) => [at.item(0).number(), at.item(1).number()]),
    channels: field.get('channels').list(readChannel),
    limits: field.get('limits').or([], (limits) => limits.list(readLimit)),
  };
}

function readLimit(field: Field): Limit {
  return {
    alarm: field.get('alarm').text(),
    tag: field.get('tag').text(),
    side: field.get('side').oneOf(['high', 'low']),
    limit: field.get('limit').number(),
    severity: field.get('severity').oneOf(SEVERITIES),
  };
}

function readConnection(field: Field): Connection {
  return { from: field.item(0).text(), to: field.item(1).text() };
}

function readChannel(field: Field): Channel {
  return {
    tag: field.get('tag').text(),
    name: field.get('name').text(),
    kind: field.get('kind').oneOf(KINDS),
    unit: field.get('unit').or('1', text),
    doc: field.get('doc').or('', text),
    of: field.get('of').or(null, text),
    min: field.get('min').or(null, number),
    max: field.get('max').or(null, number),
  };
}

function readTick(field: Field): Tick {
  return {
    time: field.get('time').or(null, seconds),
    tick: field.get('tick').or(0, number),
    speed: field.get('speed').or(1, number),
    hash: field.get('hash').or('', text),
    values: field.get('values').or(new Map<string, Reading>(), (values) => values.table(readReading)),
    twins: field.get('twins').or(new Map<string, TwinHealth>(), (twins) => twins.table(readHealth)),
    alarms: field.get('alarms').or([], (alarms) => alarms.list(readAlarm)),
    commands: field.get('commands').or([], (commands) => commands.list(readCommand)),
    gate: field.get('gate').or(null, readGate),
    connections: field.get('connections').or(null, (connections) => connections.list(readDevice)),
    counters: field.get('counters').or(null, (counters) => counters.table(number)),
    scriptError: field.get('script_error').or(null, text),
  };
}

function readReading(field: Field): Reading {
  return {
    value: field.item(0).or(Number.NaN, number),
    sd: field.item(1).or(null, number),
    time: field.item(2).or(null, seconds),
    quality: field.item(3).or(null, (quality) => quality.oneOf(SAMPLE_QUALITIES)),
  };
}

function readHealth(field: Field): TwinHealth {
  return {
    verdict: field.get('verdict').oneOf(VERDICTS),
    cause: field.get('cause').or('', prose),
    nis: field.get('nis').or(null, number),
    nisLimit: field.get('nis_limit').or(null, number),
    quality: field.get('quality').or('', text),
    sensors: field.get('sensors').or(new Map<string, SensorHealth>(), (sensors) => sensors.table(readSensor)),
  };
}

function readSensor(field: Field): SensorHealth {
  return {
    innovation: field.get('innovation').or(null, number),
    sd: field.get('sd').or(null, number),
    quality: field.get('quality').oneOf(SENSOR_QUALITIES),
  };
}

export function readAlarm(field: Field): Alarm {
  return {
    id: field.get('id').number(),
    twin: field.get('twin').or('', text),
    name: field.get('name').text(),
    severity: field.get('severity').oneOf(SEVERITIES),
    state: field.get('state').oneOf(ALARM_STATES),
    text: field.get('text').or('', prose),
    raised: seconds(field.get('raised')),
    acknowledged: field.get('acknowledged').or(null, seconds),
    returned: field.get('returned').or(null, seconds),
    amended: field.get('amended').or(null, seconds),
    shelved: field.get('shelved').or(null, seconds),
    suppressed: field.get('suppressed').or(false, (suppressed) => suppressed.boolean()),
    comments: field.get('comments').or(0, number),
    revision: field.get('revision').or(0, number),
  };
}

function readCommand(field: Field): Command {
  return {
    id: field.get('id').number(),
    tag: field.get('tag').text(),
    value: field.get('value').number(),
    state: field.get('state').oneOf(COMMAND_STATES),
    by: field.get('by').or('', text),
    reason: field.get('reason').or('', prose),
    detail: field.get('detail').or('', prose),
    time: seconds(field.get('time')),
    ended: field.get('ended').or(null, seconds),
  };
}

function readDevice(field: Field): Device {
  return {
    name: field.get('name').text(),
    kind: field.get('kind').or('websocket', text),
    peer: field.get('peer').or('', text),
    connected: field.get('connected').boolean(),
    samples: field.get('samples').or(0, number),
    refused: field.get('refused').or(0, number),
    dropped: field.get('dropped').or(0, number),
    late: field.get('late').or(0, number),
    duplicate: field.get('duplicate').or(0, number),
    future: field.get('future').or(0, number),
    last: field.get('last').or(null, seconds),
    clock: field.get('clock').or(null, readClock),
    way: field.get('attempts').or(null, () => readWay(field)),
  };
}

function readWay(field: Field): Way {
  return {
    since: field.get('since').or(null, seconds),
    attempts: field.get('attempts').number(),
    unchanged: field.get('unchanged').or(0, number),
    missed: field.get('missed').or(0, number),
    stale: field.get('stale').or(0, number),
    commands: field.get('commands').or(0, number),
    failed: field.get('failed').or(0, number),
    busy: field.get('busy').or(0, number),
    fault: field.get('fault').or('', text),
  };
}

function readClock(field: Field): SourceClock {
  return {
    offset: field.get('offset').number(),
    uncertainty: field.get('uncertainty').number(),
    driftPpm: field.get('drift_ppm').number(),
    driftUncertaintyPpm: field.get('drift_uncertainty_ppm').number(),
  };
}

function readSeries(field: Field): Series {
  const time = field.get('time').list(seconds);
  const value = field.get('value').list((item) => item.or(Number.NaN, number));
  const sd = field.get('sd').or([], (list) => list.list((item) => item.or(Number.NaN, number)));

  // columns that do not match would put values at other times: keep what they share
  const length = Math.min(time.length, value.length);
  const column = (name: string) => field.get(name).or([], (list) => list.list((item) => item.or(Number.NaN, number)));
  const isRaw = field.get('level').or('raw', text) === 'raw';
  const [min, max] = isRaw ? [[], []] : [column('min'), column('max')];
  return {
    time: time.slice(0, length),
    value: value.slice(0, length),
    sd: sd.slice(0, length),
    min: min.slice(0, length),
    max: max.slice(0, length),
  };
}

const text = (field: Field): string => field.text();
/** A text of the server, as people write it. */
export const prose = (field: Field): string => proseText(field.text());
const number = (field: Field): number => field.number();
const seconds = (field: Field): Seconds => field.number() / 1e9;
