/** Asking the server: one way for all requests, so that each carries what a session needs and fails in words.
 *
 *  Takes: a path below api/v1.  Gives: the body's text, or a Refusal that says why.
 */
import type { Seconds } from './protocol';

/** The server has answered, and not with what was asked for. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    why: string,
    /** After how long it may be tried again; null where the server says nothing of it. */
    readonly retryAfter: Seconds | null,
  ) {
    super(why);
  }
}

/** What every request takes along. */
export const session = {
  /** Proves that a change comes from this page; null while nobody has logged in. */
  csrf: null as string | null,
  /** Called when the server no longer knows who asks. */
  onExpired: (): void => undefined,
};

const NOT_LOGGED_IN = 401;
const MERGE_PATCH = 'application/merge-patch+json';

export async function get(path: string, signal: AbortSignal): Promise<string> {
  return ask('GET', path, { signal });
}

export async function ask(
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  { body, signal }: { body?: object; signal: AbortSignal },
): Promise<string> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = method === 'PATCH' ? MERGE_PATCH : 'application/json';
  if (method !== 'GET' && session.csrf !== null) headers['x-pollux-csrf'] = session.csrf;

  const response = await fetch(address(path), {
    method,
    headers,
    signal,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (response.ok) return text;
  if (response.status === NOT_LOGGED_IN && path !== 'login') session.onExpired();
  throw new Refusal(response.status, problemOf(text, response.status), secondsOf(response.headers.get('retry-after')));
}

/** Times are wanted as integers everywhere. */
const address = (path: string): string => `api/v1/${path}${path.includes('?') ? '&' : '?'}times=ns`;

/** What a problem object of RFC 9457 says; a proxy in between may answer with anything. */
function problemOf(body: string, status: number): string {
  const fallback = `the server answered ${status}`;
  try {
    const problem: unknown = JSON.parse(body);
    if (typeof problem !== 'object' || problem === null) return fallback;
    const { detail, title } = problem as Record<string, unknown>;
    if (typeof detail === 'string' && detail !== '') return detail;
    return typeof title === 'string' && title !== '' ? title : fallback;
  } catch {
    return fallback;
  }
}

function secondsOf(header: string | null): Seconds | null {
  const seconds = Number(header ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
}

export const whyOf = (reason: unknown): string => {
  if (reason instanceof Refusal) return reason.message;
  if (reason instanceof DOMException && reason.name === 'TimeoutError') return 'the server did not answer in time';
  if (reason instanceof TypeError) return 'the server cannot be reached';
  return reason instanceof Error ? reason.message : String(reason);
};
