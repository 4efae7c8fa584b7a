/** Every message of a session, in both directions, is one that schemas/message-in.json or message-out.json describes. */
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { emulate, freePort, type Program, until } from '../browser/programs';
import { PLANT, type Pollux, readJson, Schemas, startPollux } from './pollux';

interface Message {
  topic: string;
  headers?: { id?: number; status?: number };
  value?: unknown;
}

const PROTOCOL = 'pollux.v1.json';

let pollux: Pollux;
let schemas: Schemas;
let wire: WebSocketServer;
let device: Program;
/** What went over the device's line. */
const toPollux: Message[] = [];
const fromPollux: Message[] = [];

/** Between device and server stands a listener that passes everything on. */
async function listenIn(): Promise<void> {
  const port = await freePort();
  wire = new WebSocketServer({ port, host: '127.0.0.1', handleProtocols: () => PROTOCOL });
  wire.on('connection', (line) => {
    const server = new WebSocket(`ws://localhost:${pollux.port}/api/v1/ws`, PROTOCOL);
    const waiting: string[] = [];
    line.on('message', (data) => {
      toPollux.push(JSON.parse(String(data)));
      if (server.readyState === WebSocket.OPEN) server.send(String(data));
      else waiting.push(String(data));
    });
    server.on('open', () => {
      for (const text of waiting.splice(0)) server.send(text);
    });
    server.on('message', (data) => {
      fromPollux.push(JSON.parse(String(data)));
      line.send(String(data));
    });
    line.on('close', () => server.close());
    server.on('close', () => line.close());
  });
  device = emulate(port, PLANT);
}

beforeAll(async () => {
  pollux = await startPollux(false);
  schemas = await Schemas.fetch(pollux.origin, await readJson(`${pollux.origin}/api/v1/openapi.json`));
  await listenIn();
});
afterAll(async () => {
  await device?.stop();
  wire?.close();
  await pollux?.stop();
});

/** An observer that keeps what it is told, and can ask. */
class Observer {
  readonly heard: Message[] = [];
  readonly said: Message[] = [];
  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (data) => this.heard.push(JSON.parse(String(data))));
  }

  static async open(): Promise<Observer> {
    const socket = new WebSocket(`ws://localhost:${pollux.port}/api/v1/ws`, PROTOCOL);
    const observer = new Observer(socket);
    await once(socket, 'open');
    return observer;
  }

  /** The answer to a message. */
  async ask(topic: string, value: unknown): Promise<Message> {
    const id = this.said.length + 1;
    const message = { topic, headers: { id }, value };
    this.said.push(message);
    this.say(message);
    return this.hear((answer) => answer.topic === topic && answer.headers?.id === id);
  }

  say(message: unknown): void {
    this.socket.send(JSON.stringify(message));
  }

  async hear(fits: (message: Message) => boolean): Promise<Message> {
    await until('a message', async () => this.heard.some(fits));
    return this.heard.find(fits) as Message;
  }

  close(): void {
    this.socket.close();
  }
}

const hold = (schema: string, messages: Message[]): void => {
  for (const message of messages) expect(schemas.check(`schemas/${schema}.json`, message, 'ns')).toBeNull();
};

test('an observer and the server say what the schemas describe, and nothing else', async () => {
  const observer = await Observer.open();
  expect((await observer.ask('subscribe', { samples: ['tank1.*'] })).headers?.status).toBe(200);
  await observer.hear(({ topic }) => topic === 'snapshot');
  await observer.hear(({ topic, value }) => topic === 'tick' && (value as { alarms: unknown[] }).alarms !== undefined);
  await observer.hear(({ topic, headers }) => topic === 'samples' && headers?.status === undefined);

  await until('an alarm', async () => (await readJson<unknown[]>(`${pollux.origin}/api/v1/alarms`)).length > 0);
  const [alarm] = await readJson<{ id: number }[]>(`${pollux.origin}/api/v1/alarms`);
  expect((await observer.ask('acknowledge', { alarm: alarm?.id, by: 'anna' })).headers?.status).toBe(200);
  expect((await observer.ask('acknowledge', { alarm: 999_999 })).headers?.status).toBe(404);
  expect((await observer.ask('actuate', { tag: 'tank1.valve', value: 50, reason: 'by hand' })).headers?.status).toBe(
    200,
  );
  expect((await observer.ask('actuate', { tag: 'tank1.valve', value: 700 })).headers?.status).toBe(409);
  expect((await observer.ask('actuate', { tag: 'tank1.level', value: 1 })).headers?.status).toBe(400);
  await observer.hear(({ topic, value }) => {
    const commands = topic === 'tick' ? (value as { commands: { state: string }[] }).commands : [];
    return commands.some(({ state }) => state === 'done');
  });
  observer.close();
  hold('message-in', observer.said);
  hold('message-out', observer.heard);
});

test('what the server refuses to read, the schema of messages refuses too', async () => {
  const wrong = [
    { topic: 'nonsense' },
    { topic: 'subscribe', value: { samples: 'tank1.*' } },
    { topic: 'actuate', value: { tag: 'tank1.valve', value: '50' } },
    { topic: 'acknowledge', value: {} },
    { topic: 'time', value: 'noon' },
    { topic: 'samples', value: [['tank1.gauge', 'noon', 1]] },
  ];
  const observer = await Observer.open();
  for (const message of wrong) {
    expect(schemas.check('schemas/message-in.json', message, 'ns'), JSON.stringify(message)).not.toBeNull();
    const refusals = observer.heard.length;
    observer.say(message);
    await until('a refusal', async () => observer.heard.length > refusals);
    expect(observer.heard[refusals]?.headers?.status, JSON.stringify(observer.heard[refusals])).toBeGreaterThanOrEqual(
      400,
    );
  }
  observer.close();
  hold('message-out', observer.heard);
});

test('a device and the server say what the schemas describe, and nothing else', async () => {
  await until('a command for the device', async () => fromPollux.some(({ topic }) => topic === 'command'));
  await until('its answer', async () => toPollux.some(({ topic }) => topic === 'command'));
  const headers = { 'content-type': 'application/merge-patch+json' };
  const desired = `${pollux.origin}/api/v1/devices/emulator/desired`;
  expect((await fetch(desired, { method: 'PATCH', headers, body: '{"period":1}' })).status).toBe(200);
  await until('the device to do as it is told', async () => {
    const { as_desired } = await readJson<{ as_desired: boolean }>(`${pollux.origin}/api/v1/devices/emulator`);
    return as_desired;
  });
  expect(new Set(toPollux.map(({ topic }) => topic))).toEqual(
    new Set(['provide', 'samples', 'time', 'command', 'reported']),
  );
  expect(new Set(fromPollux.map(({ topic }) => topic))).toEqual(
    new Set(['provide', 'samples', 'command', 'config', 'reported']),
  );
  hold('message-in', toPollux);
  hold('message-out', fromPollux);
});
