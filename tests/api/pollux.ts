/** What the tests of the interface stand on: a Pollux with its emulated plant, and the schemas that it serves. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { WebSocket } from 'ws';
import {
  emulate,
  freePort,
  PROGRAM,
  type Program,
  ROOT,
  run,
  serve,
  temporaryFolder,
  until,
} from '../browser/programs';

/** Two tanks with an alarm at once, and a valve that obeys. */
export const PLANT = `${ROOT}tests/api/plants/works.lua`;
/** Its levels come by request. */
const PUSHED = `${ROOT}tests/api/plants/pushed.lua`;
/** The program runs faster than the day, so that there is something to see soon. */
const SPEED = 10;
const BASE = 'http://pollux/api/v1/';

export interface Pollux {
  /** "http://localhost:PORT" */
  origin: string;
  port: number;
  stop(): Promise<void>;
}

/** Who may come to a server that asks: by password, and by token. */
export const ANNA = { user: 'anna', password: 'correct horse battery staple' };

/** A server that lets in whom it knows, without a plant; `token` is an engineer's. */
export async function startLocked(): Promise<Pollux & { token: string }> {
  const folder = temporaryFolder();
  const access = `${folder}/access.json`;
  execFileSync(PROGRAM, ['user', 'add', ANNA.user, '--role', 'viewer', '--access', access], {
    input: `${ANNA.password}\n`,
    stdio: 'pipe',
  });
  const printed = execFileSync(PROGRAM, ['token', 'create', 'robot', '--role', 'engineer', '--access', access], {
    stdio: 'pipe',
  });
  const token = /plx_\S+/.exec(String(printed))?.[0] ?? '';
  const port = await freePort();
  const server = await serve(port, folder, SPEED, PLANT, { access });
  return {
    origin: `http://localhost:${port}`,
    port,
    token,
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A server that is open to this machine and, if asked for, the emulated plant. */
export async function startPollux(withPlant = true): Promise<Pollux> {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const folder = temporaryFolder();
  const programs: Program[] = [await serve(port, folder, SPEED, PLANT)];
  if (withPlant) {
    programs.push(emulate(port, PLANT));
    await until('the first sample', async () => {
      const leaf = await readJson<{ value: number | null }>(`${origin}/api/v1/twins/tank1/gauge`);
      return leaf.value !== null;
    });
  }
  return {
    origin,
    port,
    async stop() {
      for (const program of programs.reverse()) await program.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * A server whose plant takes what is pushed. When it asks who comes, `token` may send samples of tank1 and look, `other` of tank2 alone; else they are "".
 */
export async function startPushed(asks: boolean): Promise<Pollux & { token: string; other: string }> {
  const folder = temporaryFolder();
  const access = `${folder}/access.json`;
  const create = (name: string, more: string[]) =>
    /plx_\S+/.exec(run(['token', 'create', name, ...more, '--access', access]))?.[0] ?? '';
  const token = asks ? create('telegraf', ['--provide', 'tank1.*', '--role', 'viewer']) : '';
  const other = asks ? create('other', ['--provide', 'tank2.*']) : '';
  const port = await freePort();
  const server = await serve(port, folder, 1, PUSHED, asks ? { access } : {});
  return {
    origin: `http://localhost:${port}`,
    port,
    token,
    other,
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function readJson<T>(url: string, headers: Record<string, string> = {}): Promise<T> {
  return (await (await fetch(url, { headers })).json()) as T;
}

/** How times are written: what `time.json` admits is narrowed to it. */
export type Times = 'ns' | 'rfc3339';

type Json = Record<string, unknown>;

/** The schemas of a server, compiled; they are fetched from it, as anybody would. */
export class Schemas {
  private readonly ajv: Record<Times, Ajv2020>;

  private constructor(
    readonly names: string[],
    documents: Map<string, Json>,
  ) {
    this.ajv = { ns: Schemas.compile(documents, 'ns'), rfc3339: Schemas.compile(documents, 'rfc3339') };
  }

  /** All that the document refers to, and what that refers to. */
  static async fetch(origin: string, document: unknown): Promise<Schemas> {
    const documents = new Map<string, Json>();
    const wanted = [...references(document), 'schemas/message-in.json', 'schemas/message-out.json'];
    for (let path = wanted.pop(); path !== undefined; path = wanted.pop()) {
      if (documents.has(path)) continue;
      const schema = await readJson<Json>(`${origin}/api/v1/${path}`);
      documents.set(path, schema);
      wanted.push(...references(schema).map((name) => `schemas/${name}`));
    }
    return new Schemas([...documents.keys()].sort(), documents);
  }

  /** What is wrong with a value; null when nothing is. `path` is that of a schema, or a fragment within one. */
  check(path: string, value: unknown, times: Times): string | null {
    const validate = this.validator(path, times);
    if (validate(value)) return null;
    return `${JSON.stringify(value).slice(0, 500)} is no ${path}: ${this.ajv[times].errorsText(validate.errors).slice(0, 1000)}`;
  }

  validator(path: string, times: Times): ValidateFunction {
    const validate = this.ajv[times].getSchema(BASE + path);
    if (validate === undefined) throw new Error(`there is no schema ${path}`);
    return validate;
  }

  private static compile(documents: Map<string, Json>, times: Times): Ajv2020 {
    const ajv = new Ajv2020({ strict: true, strictTuples: false, allowUnionTypes: true, allErrors: true });
    addFormats.default(ajv);
    for (const [path, schema] of documents)
      ajv.addSchema(path.endsWith('/time.json') ? narrowed(schema, times) : schema, BASE + path);
    return ajv;
  }
}

/** Of the two ways to write a time the one that is expected. */
function narrowed(schema: Json, times: Times): Json {
  const forms = schema.anyOf as Json[];
  const form = forms.find((each) => (each.type === 'integer') === (times === 'ns'));
  if (form === undefined || forms.length !== 2) throw new Error('time.json: expected an integer and a date-time');
  return { ...schema, anyOf: [form] };
}

/** All "$ref"s to other files, without their fragments. */
function references(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(references);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '$ref' && typeof inner === 'string'
      ? [inner.split('#')[0] ?? ''].filter((path) => path !== '')
      : references(inner),
  );
}

/** Somebody has seen the alarm of a twin; its id. */
export async function acknowledge({ origin, port }: Pollux, twin: string): Promise<number> {
  const alarms = await readJson<{ id: number; twin: string }[]>(`${origin}/api/v1/alarms`);
  const alarm = alarms.find((each) => each.twin === twin)?.id ?? 0;
  const socket = new WebSocket(`ws://localhost:${port}/api/v1/ws`, 'pollux.v1.json');
  await once(socket, 'open');
  socket.send(JSON.stringify({ topic: 'acknowledge', headers: { id: 1 }, value: { alarm, by: 'anna' } }));
  await once(socket, 'message');
  socket.close();
  return alarm;
}
