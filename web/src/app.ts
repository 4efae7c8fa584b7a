/** The page's heart: messages come in, the state changes, and once a frame the page is drawn from it.
 *
 *  Takes: a document to draw in.  Gives: the actions that the views offer.
 */

import type { AlarmFilter } from './alarms';
import { Bell } from './alarms/bell';
import { Connection } from './connection';
import { ProtocolError } from './decode';
import { loadAlarms, loadFleet, loadHistory, loadListed, loadNewest } from './history';
import { type Chord, isTaken, type KeyCommand, pressKey } from './keys';
import { type Deed, type Particulars, readFrame, type Seconds } from './protocol';
import { Refusal, whyOf } from './rest';
import { hashOf, type PageName, readRoute } from './route';
import { createSession, leadToLogin, type SessionActions } from './session';
import { keep, kept, type ThemeChoice } from './settings';
import {
  addAlarms,
  addNewest,
  apply,
  createState,
  dropRequests,
  enterRoute,
  goBack,
  isFleet,
  type Overlay,
  type State,
  selectSpan,
  showPiece,
  wantTwin,
} from './state';
import { followSystemTheme, showTheme, systemTheme } from './theme';
import { Trends } from './trends';
import type { Piece } from './window';

export interface Actions {
  session: SessionActions;
  /** Have the page drawn anew, behind a change of what is a page's own. */
  touch(): void;
  /** Show another page. */
  go(page: PageName, item?: string | null, query?: Record<string, string>): void;
  /** Lay something over the page, or take it away. */
  show(overlay: Overlay | null): void;
  select(twin: string): void;
  /** Select by number, as on the map. */
  open(number: number): void;
  find(text: string): void;
  showSpan(span: Seconds): void;
  /** Show a piece of plant time; null for the live edge. */
  showPiece(piece: Piece | null): void;
  goBack(): void;
  lookAhead(isOn: boolean): void;
  moveCursor(time: Seconds | null): void;
  /** Have something done about an alarm. */
  ask(alarm: number, deed: Deed, particulars?: Particulars): void;
  filterAlarms(filter: Partial<AlarmFilter>): void;
  soundAlarms(isOn: boolean): void;
  nameOperator(name: string): void;
  useTheme(choice: ThemeChoice): void;
  retry(): void;
}

/** What the server gives without being told a window. */
const DEFAULT_WINDOW: Seconds = 900;

const ALARMS_ASKED = 100;

const FOUND_ASKED = 50;

/** The status of a twin that there is none of. */
const NOT_THERE = 404;

/** How often the map is asked for, while somebody can see it. */
const MAP_MS = 1_000;

/** How often it is seen whether a forecast is wanted. */
const AHEAD_MS = 500;

/** The page is stale after this many ticks that should have come, and not before the connection's own patience. */
const TICKS_MISSED = 3;
const PATIENCE_MS = 5_000;

/** Gives what has the page drawn anew. */
export function startApp(draw: (state: State, actions: Actions) => void): () => void {
  const themeChoice = kept.theme();
  const state = createState({
    operator: kept.operator(),
    isSounding: kept.isSounding(),
    theme: themeChoice === 'system' ? systemTheme() : themeChoice,
    themeChoice,
    route: readRoute(location.hash),
    wall: Date.now(),
  });
  const bell = new Bell();
  let isDirty = false;
  let isAheadKept = false;
  let request = 0;
  let loading = new AbortController();
  let searching = new AbortController();
  let lookingBack = new AbortController();
  let asked: string | null = null;
  let pastAsked = '';

  const touch = () => {
    if (pastKey(state) !== pastAsked) {
      pastAsked = pastKey(state);
      void loadPast();
    }
    if (state.history.kind === 'wanted' && state.trends !== null) void load(state.trends);
    if (isFleet(state) && state.wanted !== asked) void lookAt(state.wanted);
    if (isDirty) return;
    isDirty = true;
    requestAnimationFrame(() => {
      isDirty = false;
      state.wall = Date.now();
      draw(state, actions);
    });
  };

  const connection = new Connection(
    socketAddress(),
    {
      open: () => {
        connection.send({ topic: 'subscribe', headers: { id: ++request }, value: {} });
        // behind a pause the server may know another session, or none
        if (state.access === null || state.link.kind === 'offline') void actions.session.refresh();
      },
      link: (link) => {
        state.link = link;
        if (link.kind === 'offline') dropRequests(state);
        // who is not logged in any more is refused without a word
        if (link.kind === 'offline' && link.retryAt !== null) void actions.session.refresh();
        touch();
      },
      frame: (text) => {
        receive(text);
        touch();
      },
    },
    () => fetch('healthz', { signal: AbortSignal.timeout(PATIENCE_MS) }),
  );

  function receive(text: string): void {
    try {
      const message = readFrame(text);
      apply(state, message);
      soundAlarm();
      connection.staleAfterMs = patienceMs(state);
      if (message.topic === 'answer' && message.value.to === 'subscribe' && message.value.status >= 400) {
        connection.reject(`the server refused: ${message.value.detail}`);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      state.badFrames = { count: state.badFrames.count + 1, last: error.message };
    }
  }

  function soundAlarm(): void {
    if (state.unheard !== null && state.isSounding) bell.ring(state.unheard);
    state.unheard = null;
  }

  /** Ask for what was before; a new question makes an older one void. */
  async function load(trends: Trends): Promise<void> {
    loading.abort();
    loading = new AbortController();
    const { signal } = loading;
    state.history = { kind: 'loading' };

    // what one of them cannot give, the others may
    const parts = await Promise.allSettled([
      loadNewest(trends.twin, signal).then((newest) => addNewest(state, newest)),
      loadAlarms(ALARMS_ASKED, signal).then((alarms) => addAlarms(state, alarms)),
      fill(trends, signal),
    ]);
    if (signal.aborted) return;
    const failed = parts.find((part) => part.status === 'rejected');
    state.history = failed === undefined ? { kind: 'loaded' } : { kind: 'failed', why: whyOf(failed.reason) };
    touch();
  }

  async function fill(trends: Trends, signal: AbortSignal): Promise<void> {
    trends.fillCommands(state.commands.values());
    trends.fill(await loadHistory(trends.tags, null, signal));
    const to = trends.newest;
    if (to === null || state.span <= DEFAULT_WINDOW) return;
    trends.fill(await loadHistory(trends.tags, { from: to - state.span, to }, signal));
  }

  /** Rings of their own for a piece of time that is over: the live ones go on meanwhile. */
  async function loadPast(): Promise<void> {
    const { piece, selected } = state;
    lookingBack.abort();
    lookingBack = new AbortController();
    const { signal } = lookingBack;
    const twin = state.twins.get(selected ?? '');
    if (piece === null || twin === undefined) return;
    const past = new Trends(twin);
    try {
      past.fill(await loadHistory(past.tags, piece, signal));
    } catch (reason) {
      if (!signal.aborted) state.history = { kind: 'failed', why: whyOf(reason) };
    }
    if (signal.aborted) return;
    past.fillCommands(state.commands.values());
    const health = state.health.get(past.twin);
    if (health !== undefined) past.fillLimit(health, piece.from);
    state.past = past;
    touch();
  }

  /** Say that somebody looks at this twin: the server then shows it, in a snapshot of its own. */
  async function lookAt(twin: string | null): Promise<void> {
    asked = twin;
    if (twin === null) return;
    try {
      await loadNewest(twin, AbortSignal.timeout(PATIENCE_MS));
    } catch (reason) {
      // any other refusal only says that it is not shown yet; what counts is that it was asked for
      if (!(reason instanceof Refusal) || reason.status !== NOT_THERE) return;
      state.refused = twin;
      touch();
    }
  }

  /** What looks ahead comes when somebody first wants to. */
  async function beginAhead(): Promise<void> {
    if (isAheadKept) return;
    isAheadKept = true;
    try {
      const { keepAhead } = await import('./forecast/ahead');
      setInterval(keepAhead(state, touch), AHEAD_MS);
    } catch (reason) {
      isAheadKept = false;
      state.ahead = { ...state.ahead, why: whyOf(reason) };
      touch();
    }
  }

  /** The address that somebody came by names a moment that is shown no more. */
  function leaveMoment(): void {
    const { page, item, query } = state.route;
    if (query.has('at')) rewrite(page, item);
  }

  /** Another address for what is shown, which the browser's back does not lead to. */
  function rewrite(page: PageName, item: string | null): void {
    history.replaceState(null, '', hashOf(page, item));
    state.route = readRoute(location.hash);
  }

  async function refreshMap(): Promise<void> {
    if (!isFleet(state) || document.hidden || state.link.kind === 'offline') return;
    const fleet = await loadFleet(AbortSignal.timeout(PATIENCE_MS)).catch(() => null);
    if (fleet === null) return;
    const isSame = state.fleet?.health.every((level, twin) => level === fleet.health[twin]);
    if (!isSame || state.fleet?.health.length !== fleet.health.length) state.fleet = fleet;
    await placeSelected();
    touch();
  }

  /** Where the selected twin is on the map. */
  async function placeSelected(): Promise<void> {
    const { selected } = state;
    if (state.number !== null || selected === null) return;
    const listed = await loadListed({ find: selected, limit: '10' }, AbortSignal.timeout(PATIENCE_MS)).catch(() => []);
    if (state.selected === selected) state.number = listed.find(({ name }) => name === selected)?.number ?? null;
  }

  async function search(text: string): Promise<void> {
    searching.abort();
    searching = new AbortController();
    const { signal } = searching;
    const found =
      text === '' ? [] : await loadListed({ find: text, limit: String(FOUND_ASKED) }, signal).catch(() => null);
    if (signal.aborted || found === null) return;
    state.search = { text: state.search.text, found };
    touch();
  }

  async function openNumber(number: number): Promise<void> {
    const [twin] = await loadListed({ from: String(number), limit: '1' }, AbortSignal.timeout(PATIENCE_MS)).catch(
      () => [],
    );
    if (twin === undefined) return;
    actions.select(twin.name);
    state.number = number;
  }

  const actions: Actions = {
    session: createSession({ state, touch, connection }),
    touch,
    go(page, item = null, query = {}) {
      location.hash = hashOf(page, item, query);
    },
    show(overlay) {
      state.overlay = overlay;
      touch();
    },
    open(number) {
      void openNumber(number);
    },
    find(text) {
      state.search = { ...state.search, text };
      void search(text.trim());
      touch();
    },
    select(twin) {
      wantTwin(state, twin);
      // so that a twin can be bookmarked
      if (state.route.page === 'plant' || state.route.page === 'twin') rewrite(state.route.page, twin);
      touch();
    },
    showSpan(span) {
      leaveMoment();
      selectSpan(state, span);
      touch();
    },
    showPiece(piece) {
      leaveMoment();
      showPiece(state, piece);
      touch();
    },
    goBack() {
      leaveMoment();
      goBack(state);
      touch();
    },
    lookAhead(isOn) {
      state.ahead = { isOn, fan: null, why: '' };
      if (isOn) void beginAhead();
      touch();
    },
    moveCursor(time) {
      if (time === state.cursor) return;
      state.cursor = time;
      touch();
    },
    ask(alarm, deed, particulars = {}) {
      const id = ++request;
      const value = { alarm, by: state.operator.trim() || 'dashboard', ...particulars };
      const isSent = connection.send({ topic: deed, headers: { id }, value });
      const refusal = { kind: 'refused', deed, why: 'there is no connection' } as const;
      state.asked.set(alarm, isSent ? { kind: 'sent', deed, request: id } : refusal);
      touch();
    },
    filterAlarms(filter) {
      state.alarmFilter = { ...state.alarmFilter, ...filter };
      touch();
    },
    soundAlarms(isOn) {
      state.isSounding = isOn;
      keep.sound(isOn);
      if (isOn) bell.ring('info');
      touch();
    },
    nameOperator(name) {
      state.operator = name;
      keep.operator(name);
      touch();
    },
    useTheme(choice) {
      keep.theme(choice);
      state.themeChoice = choice;
      showTheme(state);
      touch();
    },
    retry: () => connection.retryNow(),
  };

  function obey(command: KeyCommand): void {
    switch (command.kind) {
      case 'go':
        actions.go(command.page);
        break;
      case 'find':
      case 'help':
        actions.show(command.kind);
        break;
      case 'close':
        actions.show(null);
        break;
      default:
        command satisfies never;
    }
  }

  function listen(): void {
    let chord: Chord | null = null;
    addEventListener('keydown', (event) => {
      if (isTaken(event)) return;
      const [command, next] = pressKey(chord, event.key, event.timeStamp);
      chord = next;
      if (command === null) return;
      event.preventDefault();
      obey(command);
    });
    addEventListener('hashchange', () => {
      enterRoute(state, readRoute(location.hash));
      leadToLogin(state);
      touch();
    });
    followSystemTheme(() => {
      showTheme(state);
      touch();
    });
  }

  showTheme(state);
  listen();
  void actions.session.begin();
  // "since 12 s" and "again in 3 s" go on while nothing comes
  setInterval(() => {
    if (state.link.kind !== 'offline') state.pulse.read(Date.now() / 1000, state.counters, state.devices);
    touch();
  }, 1_000);
  setInterval(() => void refreshMap(), MAP_MS);
  touch();
  return touch;
}

/** Which rings a piece of time is to have; empty where none is shown. */
const pastKey = ({ piece, selected, plant }: State): string =>
  piece === null ? '' : JSON.stringify([piece, selected, plant?.name]);

function patienceMs({ plant, clock }: State): number {
  if (plant === null || clock === null || clock.speed <= 0) return PATIENCE_MS;
  return Math.max(PATIENCE_MS, (TICKS_MISSED * plant.step * 1000) / clock.speed);
}

function socketAddress(): string {
  const address = new URL('api/v1/ws', location.href);
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  address.hash = '';
  return address.href;
}
