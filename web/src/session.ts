/** Logging in and out: who one is, asked of the server at the start and whenever it may have changed.
 *
 *  Where access is required and nobody is logged in, the connection rests and the page is that for logging in; behind
 *  it one is back where one was.
 */
import { type Access, needsLogin, readAccess } from './access';
import type { Connection } from './connection';
import { ask, get, Refusal, session, whyOf } from './rest';
import { hashOf, readRoute } from './route';
import type { State } from './state';

export interface SessionActions {
  /** Find out who one is, then connect. */
  begin(): Promise<void>;
  /** Find out anew who one is. */
  refresh(): Promise<void>;
  login(user: string, password: string): Promise<void>;
  logout(): Promise<void>;
}

/** How an attempt to log in stands. */
export type Login =
  | { kind: 'none' }
  | { kind: 'sent' }
  /** One was logged in, and is not any more. */
  | { kind: 'ended' }
  | { kind: 'refused'; why: string }
  /** Too many attempts: the next may come at `until` (wall clock, ms). */
  | { kind: 'throttled'; until: number };

interface Context {
  state: State;
  touch: () => void;
  connection: Connection;
}

const PATIENCE_MS = 5_000;

const THROTTLED = 429;
const THROTTLED_MS = 10_000;

export function createSession({ state, touch, connection }: Context): SessionActions {
  function enter(access: Access): void {
    const before = state.access?.user ?? null;
    state.access = access;
    session.csrf = access.csrf;
    if (needsLogin(access)) {
      connection.suspend();
      if (before !== null) state.login = { kind: 'ended' };
      leadToLogin(state);
    } else {
      connection.resume();
      if (state.route.page === 'login') goBack(state);
    }
    touch();
  }

  async function refresh(): Promise<void> {
    try {
      enter(readAccess(await get('permissions', AbortSignal.timeout(PATIENCE_MS))));
    } catch {
      // a server that is away, or is none, is the connection's affair
      touch();
    }
  }

  session.onExpired = () => void refresh();

  return {
    refresh,
    async begin() {
      await refresh();
      connection.start();
    },
    async login(user, password) {
      state.login = { kind: 'sent' };
      touch();
      try {
        const body = { user, password };
        const access = readAccess(await ask('POST', 'login', { body, signal: AbortSignal.timeout(PATIENCE_MS) }));
        state.login = { kind: 'none' };
        enter(access);
      } catch (reason) {
        state.login = refusalOf(reason);
        touch();
      }
    },
    async logout() {
      await ask('POST', 'logout', { signal: AbortSignal.timeout(PATIENCE_MS) }).catch(() => null);
      session.csrf = null;
      state.access = null;
      await refresh();
    },
  };
}

function refusalOf(reason: unknown): Login {
  if (!(reason instanceof Refusal) || reason.status !== THROTTLED) return { kind: 'refused', why: whyOf(reason) };
  const waitMs = reason.retryAfter === null ? THROTTLED_MS : reason.retryAfter * 1_000;
  return { kind: 'throttled', until: Date.now() + waitMs };
}

/** Only to a place of this page: whatever stands in the address is not to be trusted. */
function goBack({ route }: State): void {
  const { page, item, query } = readRoute(route.query.get('back') ?? '');
  location.replace(page === 'login' ? hashOf('plant') : hashOf(page, item, Object.fromEntries(query)));
}

/** Whoever has to log in first is shown where, wherever they wanted to go. */
export function leadToLogin({ access, route }: State): void {
  if (needsLogin(access) && route.page !== 'login')
    location.replace(hashOf('login', null, { back: location.hash || hashOf('plant') }));
}
