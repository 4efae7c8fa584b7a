/** The programs that tests start: a Pollux, and its emulated plant.
 *
 *  The environment may say which ones:
 *    POLLUX         the program, build/release/bin/pollux by default
 *    POLLUX_PLANT   the plant script, twins/plants/incubator.lua by default
 *    POLLUX_EMULATE more arguments for `pollux emulate`, such as "--tape FILE"
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PROGRAM = process.env.POLLUX ?? join(ROOT, 'build/release/bin/pollux');
const PLANT = process.env.POLLUX_PLANT ?? join(ROOT, 'twins/plants/incubator.lua');
const EMULATE = (process.env.POLLUX_EMULATE ?? '').split(' ').filter((word) => word !== '');
/** The built page. */
export const WEB = join(ROOT, 'web/dist');

const POLL_MS = 50;
const STOP_MS = 5_000;

/** A folder of this run; the caller removes it with `rmSync`. */
export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'pollux-browser-'));

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A process that a test started, and ends by its id. */
export class Program {
  private readonly child: ChildProcess;
  private output = '';

  constructor(args: string[]) {
    if (!existsSync(PROGRAM)) throw new Error(`there is no program ${PROGRAM}: build Pollux, or set POLLUX`);
    this.child = spawn(PROGRAM, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.on('data', (chunk) => this.collect(chunk));
    this.child.stderr?.on('data', (chunk) => this.collect(chunk));
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** What it said, for the message of a test that fails. */
  get said(): string {
    return this.output;
  }

  async stop(): Promise<void> {
    if (this.hasEnded) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const force = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(force);
  }

  private collect(chunk: Buffer): void {
    this.output = (this.output + chunk.toString()).slice(-10_000);
  }
}

/** `pollux serve`, as soon as it serves the page; it asks emulated plants to go `speed` times as fast as the clock. */
export async function serve(
  port: number,
  folder: string,
  speed: number,
  plant = PLANT,
  more: Record<string, string> = {},
): Promise<Program> {
  const options = { port: String(port), history: join(folder, 'history.db'), web: WEB, speed: String(speed), ...more };
  const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const server = new Program(['serve', plant, ...words]);
  await until(`the server on port ${port}`, async () => {
    if (server.hasEnded) throw new Error(`the server ended: ${server.said}`);
    const response = await fetch(`http://localhost:${port}/`).catch(() => null);
    return response?.ok === true;
  });
  return server;
}

export const emulate = (port: number, plant = PLANT, more: string[] = []): Program =>
  new Program(['emulate', plant, '--url', `ws://localhost:${port}`, ...EMULATE, ...more]);

/** What a subcommand that ends by itself prints, when it is given `input`. */
export const run = (args: string[], input = ''): string =>
  execFileSync(PROGRAM, args, { cwd: ROOT, input, encoding: 'utf8', stdio: 'pipe' });

/** Wait for what must come to be true. */
export async function until(what: string, holds: () => Promise<boolean>, withinMs = 20_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited ${withinMs / 1000} s for ${what}`);
    await new Promise((done) => setTimeout(done, POLL_MS));
  }
}
