/** Everything that the page knows, and how a message of the server changes it.
 *
 *  One State for the whole page, changed in place: message → apply → dirty → draw once a frame. Nothing here touches
 *  the network or the document.
 */
import type { Access } from './access';
import { type AlarmFilter, EVERY_ACTIVE, isHidden, isUnseen, SEVERITY_RANK } from './alarms';
import type { Link } from './connection';
import type { Fleet, Listed } from './fleet';
import type { Ahead } from './forecast/ahead';
import type { Bench } from './forecast/study';
import { type Gate, openGate } from './gate';
import type {
  Acts,
  Alarm,
  Answer,
  Channel,
  Codegen,
  Command,
  Deed,
  Device,
  Incoming,
  Newest,
  Reading,
  Seconds,
  Severity,
  Snapshot,
  Tick,
  Twin,
  TwinHealth,
} from './protocol';
import { Pulse } from './pulse';
import type { Route } from './route';
import { inReadingOrder, planSchematic, type Schematic } from './schematic';
import type { Login } from './session';
import type { ThemeChoice } from './settings';
import { Trends } from './trends';
import { type Piece, pieceAround } from './window';

export interface State {
  /** The place in the dashboard that is shown. */
  route: Route;
  /** Who one is to the server; null until it has said so. */
  access: Access | null;
  /** How an attempt to log in stands. */
  login: Login;
  /** What lies over the page. */
  overlay: Overlay | null;
  /** The way to the server. */
  link: Link;
  /** The plant as its newest snapshot described it; null before the first. */
  plant: Plant | null;
  /** How far plant time has come; null before the first tick. */
  clock: Clock | null;
  /** Every twin by its name, in the order of the drawing. */
  twins: Map<string, Twin>;
  /** How all twins fare, of a plant of more than it shows; null of a smaller one. */
  fleet: Fleet | null;
  /** What is searched for among them, and what was found. */
  search: { text: string; found: Listed[] };
  /** A twin that the server was asked to show, and does not yet; null where nothing is awaited. */
  wanted: string | null;
  /** A twin of a fleet that the server says there is none of. */
  refused: string | null;
  /** The number of the selected twin on the map, as far as it is known. */
  number: number | null;
  /** The drawing of the plant; null where its twins have no places of their own. */
  schematic: Schematic | null;
  /** Inputs that other twins feed: nobody else can set them. */
  fed: Set<string>;
  /** Every channel by its tag. */
  channels: Map<string, Channel>;
  /** The newest reading of every tag, of all twins. */
  values: Map<string, Reading>;
  /** The newest verdict on every twin. */
  health: Map<string, TwinHealth>;
  /** Alarms by id: all that are not over, and the newest of those that are. */
  alarms: Map<number, Alarm>;
  /** The newest commands by id. */
  commands: Map<number, Command>;
  /** Who may command, and what is held. */
  gate: Gate;
  /** The devices that are or were connected. */
  devices: Device[];
  /** What the engine has counted, by the engine's own names. */
  counters: Map<string, number>;
  /** How the counters went in the last minutes. */
  pulse: Pulse;
  /** Why the newest version of the plant's script was refused; null when it was not. */
  scriptError: string | null;
  /** The twin that is shown; null while there is none. */
  selected: string | null;
  /** The rings of the selected twin. */
  trends: Trends | null;
  /** Whether the rings hold what was before the page came. */
  history: History;
  /** How much plant time the charts show, and whether a person has said so. */
  span: Seconds;
  isSpanChosen: boolean;
  /** The piece of time that is shown instead of the newest; null at the live edge. */
  piece: Piece | null;
  /** What was shown before, to go back to. */
  earlier: (Piece | null)[];
  /** The rings of that piece; null until the record has come. */
  past: Trends | null;
  /** What the twin is expected to do next. */
  ahead: Ahead;
  /** The plant time under the cursor; null while it is on no chart. */
  cursor: Seconds | null;
  /** What the What if page knows; null before it was opened. */
  bench: Bench | null;
  /** What was asked of alarms and is under way or refused, by alarm. */
  asked: Map<number, Asked>;
  /** Which alarms the page of alarms shows. */
  alarmFilter: AlarmFilter;
  /** Whether new alarms sound, and the gravest that has not sounded yet. */
  isSounding: boolean;
  unheard: Severity | null;
  /** Who acknowledges: goes into the audit. */
  operator: string;
  /** Light or dark, and whether the computer decides. */
  theme: Theme;
  themeChoice: ThemeChoice;
  /** Frames that broke the protocol, and what was wrong with the last. */
  badFrames: { count: number; last: string };
  /** Wall clock of this picture, in milliseconds. */
  wall: number;
}

export interface Plant {
  name: string;
  doc: string;
  version: string;
  /** One tick, in seconds of plant time. */
  step: Seconds;
  clock: string;
  /** How many twins it has. */
  twinCount: number;
  codegen: Codegen | null;
  /** What of its own script can act in forecasts. */
  acts: Acts;
}

export interface Clock {
  time: Seconds;
  tick: number;
  speed: number;
  hash: string;
}

export type History = { kind: 'wanted' } | { kind: 'loading' } | { kind: 'loaded' } | { kind: 'failed'; why: string };

export type Asked = { kind: 'sent'; deed: Deed; request: number } | { kind: 'refused'; deed: Deed; why: string };

export type Theme = 'light' | 'dark';

export type Overlay = 'help' | 'find';

/** A plant of longer ticks than this says little in an hour. */
const SLOW_STEP: Seconds = 10;

/** What a chart shows must not rush past: it stays for as long as this, in seconds of the wall. */
const LEAST_STAY = 30;

const ALARMS_KEPT = 200;
const COMMANDS_KEPT = 50;

/** A step back that is more than rounding: the plant runs again from an earlier time. */
const BACKWARD: Seconds = 1e-3;

export function createState(settings: {
  operator: string;
  isSounding: boolean;
  theme: Theme;
  themeChoice: ThemeChoice;
  route: Route;
  wall: number;
}): State {
  const twin = twinOf(settings.route);
  return {
    route: settings.route,
    access: null,
    login: { kind: 'none' },
    overlay: null,
    link: { kind: 'connecting' },
    plant: null,
    clock: null,
    twins: new Map(),
    fleet: null,
    search: { text: '', found: [] },
    wanted: twin,
    refused: null,
    number: null,
    schematic: null,
    fed: new Set(),
    channels: new Map(),
    values: new Map(),
    health: new Map(),
    alarms: new Map(),
    commands: new Map(),
    gate: openGate(),
    devices: [],
    counters: new Map(),
    pulse: new Pulse(),
    scriptError: null,
    selected: twin,
    trends: null,
    history: { kind: 'wanted' },
    span: 900,
    isSpanChosen: false,
    piece: null,
    earlier: [],
    past: null,
    ahead: { isOn: false, fan: null, why: '' },
    cursor: null,
    bench: null,
    asked: new Map(),
    alarmFilter: EVERY_ACTIVE,
    isSounding: settings.isSounding,
    unheard: null,
    operator: settings.operator,
    theme: settings.theme,
    themeChoice: settings.themeChoice,
    badFrames: { count: 0, last: '' },
    wall: settings.wall,
  };
}

/** The twin that an address names. */
export const twinOf = ({ page, item }: Route): string | null => (page === 'plant' || page === 'twin' ? item : null);

/** The time around `#/twin/NAME?at=SECONDS`, as much of it as is usual for the plant; null where the address names none. */
function momentOf(state: State): Piece | null {
  const { route, plant } = state;
  const at = Number(route.query.get('at') ?? Number.NaN);
  if (route.page !== 'twin' || plant === null || !Number.isFinite(at)) return null;
  return pieceAround(at, usualSpan(plant, 1), plantTime(state) ?? Number.POSITIVE_INFINITY);
}

/** Show another place. */
export function enterRoute(state: State, route: Route): void {
  state.route = route;
  state.overlay = null;
  const twin = twinOf(route);
  if (twin !== null && twin !== (state.wanted ?? state.selected)) wantTwin(state, twin);
  if (twin === null && missingTwin(state) !== null) state.wanted = null;
  const moment = momentOf(state);
  if (moment !== null) showPiece(state, moment);
}

export function apply(state: State, message: Incoming): void {
  switch (message.topic) {
    case 'snapshot':
      applySnapshot(state, message.value);
      break;
    case 'tick':
      applyTick(state, message.value);
      break;
    case 'answer':
      applyAnswer(state, message.value);
      break;
    case 'other':
      break;
    default:
      message satisfies never;
  }
}

/** Whether the plant has twins that it does not show. */
export const isFleet = ({ plant, twins }: State): boolean => plant !== null && plant.twinCount > twins.size;

/** A twin that was asked for and that the plant does not have; null where there is nothing to say. A script that is
 *  loaded anew may bring it yet. */
export function missingTwin(state: State): string | null {
  const { plant, wanted, refused } = state;
  if (plant === null || wanted === null) return null;
  return !isFleet(state) || wanted === refused ? wanted : null;
}

/** Show `twin` as soon as the server does: now, or with the next snapshot. */
export function wantTwin(state: State, name: string): void {
  state.number = null;
  state.refused = null;
  state.wanted = state.twins.has(name) ? null : name;
  if (state.wanted === null) selectTwin(state, name);
}

/** Show `twin`, or the first one where there is none of that name. */
export function selectTwin(state: State, name: string | null): void {
  const twin = (name === null ? undefined : state.twins.get(name)) ?? state.twins.values().next().value;
  state.selected = twin?.name ?? null;
  state.trends = twin === undefined ? null : new Trends(twin);
  state.history = { kind: 'wanted' };
  state.cursor = null;
  state.past = null;
  state.ahead = { ...state.ahead, fan: null, why: '' };
}

const EARLIER_MOST = 50;

/** Show a piece of time, or the newest; what was shown before can be gone back to. */
export function showPiece(state: State, piece: Piece | null): void {
  state.earlier = [...state.earlier.slice(1 - EARLIER_MOST), state.piece];
  enterPiece(state, piece);
}

export function goBack(state: State): void {
  const piece = state.earlier.at(-1);
  if (piece === undefined) return;
  state.earlier = state.earlier.slice(0, -1);
  enterPiece(state, piece);
}

function enterPiece(state: State, piece: Piece | null): void {
  state.piece = piece;
  // the picture so far stays until the record of the new piece has come
  if (piece === null) state.past = null;
}

/** Show so much plant time; rings that were filled for less lack the rest. */
export function selectSpan(state: State, span: Seconds): void {
  state.isSpanChosen = true;
  state.earlier = [];
  enterPiece(state, null);
  showSpan(state, span);
}

/** While more than this was shown, few of the ticks were kept. */
const THINNED: Seconds = 6 * 3600;

function showSpan(state: State, span: Seconds): void {
  if (span > state.span || state.span > THINNED) state.history = { kind: 'wanted' };
  state.span = span;
}

/** The span for a plant that runs at `speed`, while nobody has chosen one. */
function usualSpan(plant: Plant, speed: number): Seconds {
  const [usual, longer] = plant.step < SLOW_STEP ? [900, 3600] : [12 * 3600, 24 * 3600];
  return usual < LEAST_STAY * speed ? longer : usual;
}

/** How far plant time has come, as far as the page can know. */
export function plantTime({ clock, trends }: State): Seconds | null {
  return clock?.time ?? trends?.newest ?? null;
}

/** Take the newest values that the server remembers; what ticks have said since is newer. */
export function addNewest(state: State, newest: Newest): void {
  for (const [tag, reading] of newest.values) {
    if (!state.values.has(tag)) state.values.set(tag, reading);
  }
  if (state.clock === null && newest.time !== null) {
    state.clock = { time: newest.time, tick: 0, speed: 1, hash: '' };
  }
}

/** Take alarms that the server remembers; what ticks have said since is newer. */
export function addAlarms(state: State, alarms: Alarm[]): void {
  for (const alarm of alarms) {
    const known = state.alarms.get(alarm.id);
    if (known === undefined || known.revision < alarm.revision) state.alarms.set(alarm.id, alarm);
  }
  forgetOldAlarms(state.alarms);
}

/** What was asked of a connection that is gone gets no answer. */
export function dropRequests(state: State): void {
  for (const [alarm, { kind, deed }] of state.asked) {
    if (kind === 'sent') {
      state.asked.set(alarm, { kind: 'refused', deed, why: 'the connection broke before an answer came' });
    }
  }
}

function applySnapshot(state: State, snapshot: Snapshot): void {
  const { plant: name, doc, version, step, clock, twinCount, codegen, acts } = snapshot;
  const isFirst = state.plant === null;
  state.plant = { name, doc, version, step, clock, twinCount, codegen, acts };
  if (isFirst) state.piece = momentOf(state);
  state.twins = new Map(inReadingOrder(snapshot.twins).map((twin) => [twin.name, twin]));
  if (!isFleet(state)) state.fleet = null;
  state.schematic = isFleet(state) ? null : planSchematic(snapshot.twins, snapshot.connect);
  state.fed = new Set(snapshot.connect.map(({ to }) => to));
  state.channels = new Map(snapshot.twins.flatMap((twin) => twin.channels.map((channel) => [channel.tag, channel])));
  state.alarms = new Map(snapshot.alarms.map((alarm) => [alarm.id, alarm]));
  state.commands = new Map(snapshot.commands.map((command) => [command.id, command]));
  state.gate = snapshot.gate;

  // what happened while there was no connection is in the record
  state.history = { kind: 'wanted' };
  // after a reconnect the picture so far stays, unless the twin has become another
  if (state.wanted !== null && state.twins.has(state.wanted)) {
    state.selected = state.wanted;
    state.wanted = null;
  }
  const twin = state.selected === null ? undefined : state.twins.get(state.selected);
  if (twin === undefined || state.trends === null || !state.trends.matches(twin)) selectTwin(state, state.selected);
}

function applyTick(state: State, tick: Tick): void {
  for (const [tag, reading] of tick.values) state.values.set(tag, reading);
  for (const [twin, health] of tick.twins) state.health.set(twin, health);
  for (const alarm of tick.alarms) applyAlarm(state, alarm);
  for (const command of tick.commands) state.commands.set(command.id, command);
  if (tick.gate !== null) state.gate = tick.gate;
  if (tick.connections !== null) state.devices = tick.connections;
  if (tick.counters !== null) {
    state.counters = tick.counters;
    state.scriptError = tick.scriptError;
  }
  forgetOldAlarms(state.alarms);
  forgetOldest(state.commands, COMMANDS_KEPT);

  const { time } = tick;
  if (time === null) return;
  if (state.clock !== null && time < state.clock.time - BACKWARD) {
    state.trends?.clear();
    state.history = { kind: 'wanted' };
  }
  state.clock = { time, tick: tick.tick, speed: tick.speed, hash: tick.hash };
  if (!state.isSpanChosen && state.plant !== null) showSpan(state, usualSpan(state.plant, tick.speed));
  state.trends?.add(tick, state.values, time, state.span);
}

function applyAlarm(state: State, alarm: Alarm): void {
  if (!state.alarms.has(alarm.id)) listenTo(state, alarm);
  state.alarms.set(alarm.id, alarm);
  if (!isUnseen(alarm) && state.asked.get(alarm.id)?.deed === 'acknowledge') state.asked.delete(alarm.id);
}

/** An alarm that is new is to be heard, unless somebody has said that they do not want to. */
function listenTo(state: State, alarm: Alarm): void {
  if (alarm.state !== 'raised' || isHidden(alarm)) return;
  if (state.unheard === null || SEVERITY_RANK[alarm.severity] > SEVERITY_RANK[state.unheard]) {
    state.unheard = alarm.severity;
  }
}

function applyAnswer(state: State, answer: Answer): void {
  for (const [alarm, asked] of state.asked) {
    if (asked.kind !== 'sent' || asked.request !== answer.id) continue;
    if (answer.status < 400) state.asked.delete(alarm);
    else state.asked.set(alarm, { kind: 'refused', deed: asked.deed, why: answer.detail });
  }
}

function forgetOldAlarms(alarms: Map<number, Alarm>): void {
  if (alarms.size <= ALARMS_KEPT) return;
  const over = [...alarms.values()].filter((alarm) => alarm.state === 'over').sort((a, b) => a.raised - b.raised);
  for (const alarm of over.slice(0, alarms.size - ALARMS_KEPT)) alarms.delete(alarm.id);
}

function forgetOldest(commands: Map<number, Command>, keep: number): void {
  const ids = [...commands.keys()].sort((a, b) => a - b);
  for (const id of ids.slice(0, Math.max(0, ids.length - keep))) commands.delete(id);
}
