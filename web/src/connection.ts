/** The WebSocket to Pollux: it subscribes, notices silence, and comes back by itself.
 *
 *  Takes: an address.  Gives: the text of every frame, and the state of the link whenever it changes.
 */
import { backoffMs } from './backoff';
import { type Outgoing, SUBPROTOCOL } from './protocol';

export type Link =
  /** The first attempt is under way. */
  | { kind: 'connecting' }
  /** Frames come. */
  | { kind: 'live' }
  /** The connection stands, and nothing has come since `since` (wall clock, ms). */
  | { kind: 'stale'; since: number }
  /** No connection since `since`; the next attempt is at `retryAt`, or under way where that is null. */
  | { kind: 'offline'; since: number; retryAt: number | null; why: string };

export interface Listener {
  open(): void;
  frame(text: string): void;
  link(link: Link): void;
}

const WATCH_MS = 1_000;

/** A connection whose other end vanished looks like one with nothing to say: ask for a sign of life this often. */
const PROBE_MS = 10_000;

export class Connection {
  /** Silence that is longer than this is worth telling. */
  staleAfterMs = 5_000;
  private link: Link = { kind: 'connecting' };
  private socket: WebSocket | null = null;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private lastFrame = 0;
  private lastProbe = 0;
  private why = '';
  private isSuspended = false;

  constructor(
    private readonly url: string,
    private readonly listener: Listener,
    /** Whether the server can be reached at all; rejects where it cannot. */
    private readonly probe: () => Promise<unknown>,
  ) {}

  start(): void {
    if (!this.isSuspended) this.connect();
    setInterval(() => this.watch(), WATCH_MS);
    addEventListener('online', () => this.retryNow());
  }

  /** Leave the server alone, as one who is not logged in. */
  suspend(): void {
    if (this.isSuspended) return;
    clearTimeout(this.retry);
    if (this.socket !== null) this.drop(this.socket);
    this.isSuspended = true;
    this.enter({ kind: 'connecting' });
  }

  /** Connect again after `suspend`. */
  resume(): void {
    if (!this.isSuspended) return;
    this.isSuspended = false;
    this.failures = 0;
    this.connect();
  }

  /** Try at once instead of at the planned time. */
  retryNow(): void {
    if (this.link.kind === 'offline' && this.socket === null) this.connect();
  }

  /** False where there is no connection to send on. */
  send(message: Outgoing): boolean {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  /** The server will not have us: give up this connection, say why, and try again later. */
  reject(why: string): void {
    this.why = why;
    if (this.socket !== null) this.lose(this.socket);
  }

  private connect(): void {
    clearTimeout(this.retry);
    if (this.link.kind === 'offline') this.enter({ ...this.link, retryAt: null });

    const socket = new WebSocket(this.url, SUBPROTOCOL);
    this.socket = socket;
    socket.onopen = () => this.listener.open();
    socket.onmessage = ({ data }) => {
      if (typeof data === 'string') this.receive(data);
    };
    socket.onclose = ({ reason }) => {
      if (reason !== '') this.why = reason;
      this.lose(socket);
    };
  }

  private receive(text: string): void {
    this.lastFrame = Date.now();
    this.failures = 0;
    this.why = '';
    if (this.link.kind !== 'live') this.enter({ kind: 'live' });
    this.listener.frame(text);
  }

  private lose(socket: WebSocket): void {
    if (this.socket !== socket) return;
    this.drop(socket);

    const wait = backoffMs(this.failures++, Math.random());
    const since = this.link.kind === 'offline' ? this.link.since : Date.now();
    this.enter({ kind: 'offline', since, retryAt: Date.now() + wait, why: this.why });
    this.retry = setTimeout(() => this.connect(), wait);
  }

  private drop(socket: WebSocket): void {
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
    this.socket = null;
  }

  private watch(): void {
    if (this.link.kind === 'live' && Date.now() - this.lastFrame > this.staleAfterMs) {
      this.enter({ kind: 'stale', since: this.lastFrame });
    }
    if (this.link.kind === 'stale' && Date.now() - this.lastProbe > PROBE_MS) {
      const { socket } = this;
      this.lastProbe = Date.now();
      this.probe().catch(() => {
        if (socket !== null) this.lose(socket);
      });
    }
  }

  private enter(link: Link): void {
    this.link = link;
    this.listener.link(link);
  }
}
