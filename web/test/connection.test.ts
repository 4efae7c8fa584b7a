/** The connection against a socket and a clock that the test holds in its hands. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Connection, type Link } from '../src/connection';

class FakeSocket {
  static all: FakeSocket[] = [];
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { reason: string }) => void) | null = null;
  readonly sent: string[] = [];

  constructor(
    readonly url: string,
    readonly protocol: string,
  ) {
    FakeSocket.all.push(this);
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.readyState = 3;
  }
}

const socket = (): FakeSocket => {
  const newest = FakeSocket.all.at(-1);
  if (newest === undefined) throw new Error('nobody has connected');
  return newest;
};

let links: Link[];
let frames: string[];
let probe: () => Promise<unknown>;
let connection: Connection;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('WebSocket', Object.assign(FakeSocket, { OPEN: 1 }));
  vi.stubGlobal('addEventListener', () => {});
  FakeSocket.all = [];
  links = [];
  frames = [];
  probe = () => Promise.resolve();
  connection = new Connection(
    'ws://here/api/v1/ws',
    { open: () => {}, frame: (text) => frames.push(text), link: (link) => links.push(link) },
    () => probe(),
  );
  connection.start();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const goLive = () => {
  socket().open();
  socket().onmessage?.({ data: '{}' });
};

test('names the subprotocol and is live with the first frame', () => {
  expect(socket().protocol).toBe('pollux.v1.json');
  socket().open();
  expect(links).toEqual([]);
  socket().onmessage?.({ data: '{}' });
  expect(links).toEqual([{ kind: 'live' }]);
  expect(frames).toEqual(['{}']);
});

test('goes offline with a plan, tries again, and keeps saying since when', () => {
  goLive();
  const since = Date.now();
  socket().onclose?.({ reason: '' });
  const lost = links.at(-1);
  if (lost?.kind !== 'offline' || lost.retryAt === null) throw new Error('expected a planned retry');
  expect(lost.since).toBe(since);
  expect(lost.retryAt).toBeGreaterThan(since);

  vi.advanceTimersByTime(500);
  expect(FakeSocket.all).toHaveLength(2);
  expect(links.at(-1)).toMatchObject({ kind: 'offline', since, retryAt: null });
  socket().onclose?.({ reason: '' });
  expect(links.at(-1)).toMatchObject({ kind: 'offline', since });

  vi.advanceTimersByTime(1000);
  goLive();
  expect(links.at(-1)).toEqual({ kind: 'live' });
});

test('can be told to try at once', () => {
  goLive();
  socket().onclose?.({ reason: '' });
  connection.retryNow();
  expect(FakeSocket.all).toHaveLength(2);
  connection.retryNow();
  expect(FakeSocket.all).toHaveLength(2);
});

test('is stale after silence, and live again with the next frame', () => {
  goLive();
  vi.advanceTimersByTime(7_000);
  expect(links.at(-1)).toMatchObject({ kind: 'stale' });
  socket().onmessage?.({ data: '{}' });
  expect(links.at(-1)).toEqual({ kind: 'live' });
});

test('gives a silent connection up when the server cannot be reached at all', async () => {
  goLive();
  probe = () => Promise.reject(new Error('unreachable'));
  await vi.advanceTimersByTimeAsync(7_000);
  expect(links.at(-1)).toMatchObject({ kind: 'offline' });
});

test('sends only while it is open', () => {
  const message = { topic: 'subscribe', headers: { id: 1 }, value: {} } as const;
  expect(connection.send(message)).toBe(false);
  socket().open();
  expect(connection.send(message)).toBe(true);
  expect(socket().sent).toEqual([JSON.stringify(message)]);
});
