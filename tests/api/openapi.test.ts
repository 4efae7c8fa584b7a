/** The server is what /api/v1/openapi.json says: every path and method of it is called, with good and with bad input. */
import { once } from 'node:events';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { until } from '../browser/programs';
import {
  ANNA,
  acknowledge,
  type Pollux,
  readJson,
  Schemas,
  startLocked,
  startPollux,
  startPushed,
  type Times,
} from './pollux';

interface Media {
  schema: { $ref?: string };
  /** Of server-sent events: what their data are, by their names. */
  'x-events'?: Record<string, { $ref: string }>;
}
interface Response_ {
  $ref?: string;
  headers?: Record<string, unknown>;
  content?: Record<string, Media>;
}
interface Operation {
  operationId: string;
  'x-right'?: string;
  parameters?: ({ $ref: string } | { name: string; in: string })[];
  responses: Record<string, Response_>;
}
interface OpenApi {
  paths: Record<string, Record<string, Operation>>;
  components: { responses: Record<string, Response_>; parameters: Record<string, { name: string; in: string }> };
}

let pollux: Pollux;
/** One that asks who comes. */
let locked: Awaited<ReturnType<typeof startLocked>>;
/** One whose plant takes what is pushed. */
let pushed: Pollux;
let openapi: OpenApi;
let schemas: Schemas;
/** Per operation the statuses that were seen. */
const seen = new Map<string, Set<number>>();

beforeAll(async () => {
  [pollux, locked, pushed] = await Promise.all([startPollux(), startLocked(), startPushed(false)]);
  openapi = await readJson(`${pollux.origin}/api/v1/openapi.json`);
  schemas = await Schemas.fetch(pollux.origin, openapi);
});
afterAll(async () => {
  await pollux?.stop();
  await locked?.stop();
  await pushed?.stop();
});

// --- calling -------------------------------------------------------------------------------------------------------

interface Call {
  /** Of another server than the open one. */
  at?: Pollux;
  /** What stands for the names in braces. */
  path?: Record<string, string | number>;
  query?: Record<string, string | number>;
  headers?: Record<string, string>;
  body?: unknown;
}

function find(id: string): { template: string; method: string; operation: Operation } {
  for (const [template, methods] of Object.entries(openapi.paths))
    for (const [method, operation] of Object.entries(methods))
      if (operation.operationId === id) return { template, method, operation };
  throw new Error(`openapi.json has no operation ${id}`);
}

function parameters(operation: Operation): { name: string; in: string }[] {
  return (operation.parameters ?? []).map((each) => {
    if (!('$ref' in each)) return each;
    const parameter = openapi.components.parameters[each.$ref.split('/').pop() ?? ''];
    if (parameter === undefined) throw new Error(`there is no ${each.$ref}`);
    return parameter;
  });
}

/** Call an operation, and hold what comes to what the document says of this status. */
async function call(
  id: string,
  wanted: number | number[],
  { at = pollux, path = {}, query = {}, headers = {}, body }: Call = {},
): Promise<unknown> {
  const { template, method, operation } = find(id);
  const search = new URLSearchParams(
    Object.entries(query).map(([key, value]): [string, string] => [key, String(value)]),
  );
  const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(path[name])));
  const response = await fetch(`${at.origin}${filled}?${search}`, {
    method: method.toUpperCase(),
    headers,
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  expect([wanted].flat(), `${method} ${filled}: ${text}`).toContain(response.status);
  seen.set(id, (seen.get(id) ?? new Set()).add(response.status));
  return hold(id, operation, response, text, query.times === 'ns' ? 'ns' : 'rfc3339');
}

function hold(id: string, operation: Operation, response: Response, text: string, times: Times): unknown {
  const named = operation.responses[response.status];
  expect(named, `${id}: the document lacks ${response.status}`).toBeDefined();
  const said = named?.$ref === undefined ? named : openapi.components.responses[named.$ref.split('/').pop() ?? ''];
  for (const header of Object.keys(said?.headers ?? {}))
    if (header !== 'Link') expect(response.headers.get(header), `${id}: ${header}`).not.toBeNull();

  const content = Object.entries(said?.content ?? {});
  if (content.length === 0) {
    expect(text, id).toBe('');
    return null;
  }
  const type = response.headers.get('content-type') ?? '';
  const media = content.find(([name]) => type === name || (name.startsWith('text/') && type.startsWith(`${name};`)));
  expect(media, `${id}: content-type ${type}`).toBeDefined();
  if (!type.includes('json')) return text;
  const value: unknown = JSON.parse(text);
  const ref = media?.[1].schema.$ref;
  if (ref !== undefined) expect(schemas.check(ref, value, times)).toBeNull();
  return value;
}

const MERGE = { 'content-type': 'application/merge-patch+json' };
const TANK = { name: 'tank1' };
const VALVE = { name: 'tank1', channel: 'valve' };

/** What refers to other files refers to components instead, as validators want it. */
function bundled(value: unknown, home = ''): unknown {
  if (Array.isArray(value)) return value.map((inner) => bundled(inner, home));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) =>
      key === '$ref' && typeof inner === 'string'
        ? [
            key,
            inner
              .replace(/^(?:schemas\/)?([\w-]+)\.json/, '#/components/schemas/$1')
              .replace('#/$defs', `${home}/$defs`),
          ]
        : [key, bundled(inner, home)],
    ),
  );
}

// --- the document --------------------------------------------------------------------------------------------------

test('the document is valid OpenAPI 3.1', async () => {
  const components: Record<string, unknown> = {};
  for (const path of schemas.names) {
    const name = path.slice('schemas/'.length, -'.json'.length);
    components[name] = bundled(await readJson(`${pollux.origin}/api/v1/${path}`), `#/components/schemas/${name}`);
  }
  const bundle = bundled(openapi) as OpenApi;
  const validator = new Validator();
  const result = await validator.validate({ ...bundle, components: { ...bundle.components, schemas: components } });
  expect(result.errors ?? []).toEqual([]);
  expect(result.valid).toBe(true);
  expect(validator.version).toBe('3.1');
});

test('every schema compiles, strictly, and is of 2020-12', async () => {
  expect(schemas.names.length).toBeGreaterThan(30);
  for (const name of schemas.names) {
    schemas.validator(name, 'ns');
    const schema = await readJson<{ $schema: string }>(`${pollux.origin}/api/v1/${name}`);
    expect(schema.$schema, name).toBe('https://json-schema.org/draft/2020-12/schema');
  }
});

test('the document has the routes of the server, with the rights they need, and no others', async () => {
  const { routes } = (await call('listRoutes', 200)) as { routes: { method: string; path: string; right: string }[] };
  const described = Object.entries(openapi.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, operation]) => `${method.toUpperCase()} ${path.replace(/\{\w+\}/g, '*')} ${operation['x-right'] ?? ''}`,
    ),
  );
  expect(described.sort()).toEqual(routes.map(({ method, path, right }) => `${method} ${path} ${right}`).sort());
});

test('names in braces are parameters of the path, and the other way round', () => {
  for (const [template, methods] of Object.entries(openapi.paths))
    for (const operation of Object.values(methods))
      expect(
        parameters(operation)
          .filter((parameter) => parameter.in === 'path')
          .map((parameter) => parameter.name),
        template,
      ).toEqual([...template.matchAll(/\{(\w+)\}/g)].map((match) => match[1]));
});

test('OPTIONS of every path names its methods', async () => {
  for (const [template, methods] of Object.entries(openapi.paths)) {
    const response = await fetch(pollux.origin + template.replace(/\{\w+\}/g, 'x'), { method: 'OPTIONS' });
    const spoken = new Set([...Object.keys(methods).map((method) => method.toUpperCase()), 'OPTIONS']);
    if (spoken.has('GET')) spoken.add('HEAD');
    expect(response.status, template).toBe(200);
    expect(new Set(response.headers.get('allow')?.split(', ')), template).toEqual(spoken);
  }
});

// --- reading -------------------------------------------------------------------------------------------------------

test('what is there can be read, with times for people and for programs', async () => {
  for (const times of ['rfc3339', 'ns']) {
    await call('readPlant', 200, { query: { times } });
    await call('readTwin', 200, { path: TANK, query: { times } });
    await call('readLeaf', 200, { path: { name: 'tank1', channel: 'level' }, query: { times } });
    await call('listAlarms', 200, { query: { times, limit: 5 } });
    await call('listConnectors', 200, { query: { times } });
  }
  await call('listTwins', 200, { query: { limit: 1, find: 'TANK' } });
  await call('readHealth', 200);
  await call('readHistory', 200, { query: { tags: 'tank1.level,tank1.gauge', points: 10 } });
  await call('readReload', 200);
  await call('listScenarios', 200);
  await call('listForecasts', 200);
  await call('listPlants', 200);
  await call('listModels', 200);
  await call('readModel', 200, { path: { model: 'tank' } });
  await call('readOpenapi', 200);
  await call('readSchema', 200, { path: { file: 'alarm.json' } });
  await call('readPlantThing', 200);
  await call('readTwinThing', 200, { path: TANK });
  expect(await call('readAlive', 200)).toBe('ok');
  expect(await call('readReady', 200)).toBe('ok');
  expect(await call('readMetrics', 200)).toContain('# TYPE');
});

test('a list says where its next page is', async () => {
  const names: string[] = [];
  let next: string | null = '/api/v1/twins?limit=1&find=tank';
  for (; next !== null; ) {
    const response: Response = await fetch(pollux.origin + next);
    const page = (await response.json()) as { twins: { name: string }[] };
    expect(schemas.check('schemas/twins.json', page, 'rfc3339')).toBeNull();
    names.push(...page.twins.map(({ name }) => name));
    next = /^<([^>]+)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1] ?? null;
  }
  expect(names).toEqual(['tank1', 'tank2']);
});

/** The first event of each kind that the document knows, held to its schema. */
async function follow(id: string, { path = {}, query = {} }: Call): Promise<void> {
  const { template, operation } = find(id);
  const kinds = operation.responses[200]?.content?.['text/event-stream']?.['x-events'] ?? {};
  const stop = new AbortController();
  const search = new URLSearchParams(
    Object.entries(query).map(([key, value]): [string, string] => [key, String(value)]),
  );
  const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => String(path[name]));
  const response = await fetch(`${pollux.origin}${filled}?${search}`, { signal: stop.signal });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  seen.set(id, (seen.get(id) ?? new Set()).add(200));

  const missing = new Set(Object.keys(kinds));
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk as Uint8Array).toString();
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const name = /^event: (.*)$/m.exec(event)?.[1] ?? 'message';
      const data = /^data: (.*)$/m.exec(event)?.[1];
      if (data === undefined) continue;
      expect(Object.keys(kinds)).toContain(name);
      expect(
        schemas.check(kinds[name]?.$ref ?? '', JSON.parse(data), query.times === 'rfc3339' ? 'rfc3339' : 'ns'),
      ).toBeNull();
      missing.delete(name);
    }
    if (missing.size === 0) break;
  }
  stop.abort();
}

test('streams of events bring every kind of event that they are described with', async () => {
  await follow('watchLeaf', { path: { name: 'tank1', channel: 'gauge' }, query: { times: 'rfc3339' } });
  await follow('watchLeaf', { path: { name: 'tank1', channel: 'gauge' }, query: { times: 'ns' } });
  const busy = setInterval(() => {
    const body = JSON.stringify({ value: Math.random() });
    void fetch(`${pollux.origin}/api/v1/twins/tank2/valve`, { method: 'PUT', body });
  }, 300);
  const [all, alarms] = [
    follow('watch', { query: { tags: 'tank*.*', rate: 5 } }),
    follow('watchAlarms', { query: { twin: 'tank2' } }),
  ];
  await new Promise((done) => setTimeout(done, 1000));
  await acknowledge(pollux, 'tank2');
  await Promise.all([all, alarms]).finally(() => clearInterval(busy));
  await call('watchLeaf', 404, { path: { name: 'tank1', channel: 'nothing' } });
  await call('watch', 404, { query: { tags: 'nobody.nothing' } });
  await call('watchAlarms', 404, { query: { twin: 'nobody' } });
});

test('who is not known is refused, whatever has a right', async () => {
  for (const [template, methods] of Object.entries(openapi.paths))
    for (const operation of Object.values(methods)) {
      const path = Object.fromEntries([...template.matchAll(/\{(\w+)\}/g)].map((match) => [match[1], 'x']));
      if (operation['x-right'] !== undefined) await call(operation.operationId, 401, { at: locked, path });
    }
});

test('a login and a token let in, as far as their roles go', async () => {
  const open = { access: 'open', user: null, role: null, provide: ['*'], actuate: ['*'], csrf: null };
  expect(await call('readPermissions', 200)).toMatchObject(open);
  expect(await call('logIn', 200, { body: ANNA })).toMatchObject(open);
  await call('logOut', 204);
  expect(await call('readPermissions', 200, { at: locked })).toMatchObject({ access: 'required', rights: [] });
  await call('logIn', 400, { at: locked, body: {} });
  await call('logIn', 401, { at: locked, body: { ...ANNA, password: 'wrong' } });

  const login = await fetch(`${locked.origin}/api/v1/login`, { method: 'POST', body: JSON.stringify(ANNA) });
  const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? '';
  const { csrf } = (await login.json()) as { csrf: string };
  expect(await call('readPermissions', 200, { at: locked, headers: { cookie } })).toMatchObject({
    ...userOf('viewer'),
    csrf,
  });
  await call('readPlant', 200, { at: locked, headers: { cookie } });
  await call('writeLog', 403, { at: locked, headers: { cookie, 'x-pollux-csrf': csrf }, body: { level: 'info' } });
  await call('logOut', 403, { at: locked, headers: { cookie } });
  await call('logOut', 204, { at: locked, headers: { cookie, 'x-pollux-csrf': csrf } });
  await call('readPlant', 401, { at: locked, headers: { cookie } });
  await call('logIn', 200, { at: locked, body: ANNA });

  const headers = { authorization: `Bearer ${locked.token}` };
  await call('writeLog', 200, { at: locked, headers, body: { level: 'info' } });
  expect(await call('readPlantThing', 200, { at: locked, headers })).toMatchObject({ security: 'token' });
});

const userOf = (role: string) => ({ access: 'required', user: ANNA.user, role });

test('what is asked for wrongly is refused with a problem', async () => {
  const nobody = { name: 'nobody' };
  await call('listTwins', 400, { query: { limit: 0 } });
  await call('listTwins', 404, { query: { after: 'nobody' } });
  await call('readTwin', 404, { path: nobody });
  await call('readLeaf', 404, { path: { name: 'tank1', channel: 'nothing' } });
  await call('readLeaf', 404, { path: { ...nobody, channel: 'level' } });
  await call('readHistory', 400, { query: { tags: '' } });
  await call('readHistory', 404, { query: { tags: 'nobody.nothing' } });
  await call('listAlarms', 400, { query: { limit: 'all' } });
  await call('readAlarm', 404, { path: { id: 999_999 } });
  await call('listCommands', 400, { query: { limit: -1 } });
  await call('listCommands', 400, { query: { before: 0 } });
  await call('readModel', 404, { path: { model: 'nothing' } });
  await call('readConnector', 404, { path: { device: 'nothing' } });
  await call('readSchema', 404, { path: { file: 'nothing.json' } });
  await call('readTwinThing', 404, { path: nobody });
  await call('openWebSocket', 426);
});

test('every operation refuses another way to write times, and pages of other sites', async () => {
  for (const [template, methods] of Object.entries(openapi.paths))
    for (const [method, operation] of Object.entries(methods)) {
      const path = Object.fromEntries([...template.matchAll(/\{(\w+)\}/g)].map((match) => [match[1], 'x']));
      await call(operation.operationId, 400, { path, query: { times: 'minutes' } });
      await call(operation.operationId, 403, { path, headers: { origin: 'http://elsewhere.example' } });
      if (method === 'get') {
        const head = await fetch(pollux.origin + template.replace(/\{\w+\}/g, 'x'), { method: 'HEAD' });
        expect(await head.text(), `HEAD ${template}`).toBe('');
      }
    }
});

test('who has the newest answer is told just that', async () => {
  for (const [template, methods] of Object.entries(openapi.paths))
    for (const operation of Object.values(methods)) {
      if (operation.responses[304] === undefined) continue;
      const path = template.includes('{file}')
        ? { file: 'leaf.json' }
        : template.includes('{model}')
          ? { model: 'tank' }
          : TANK;
      await until(`${operation.operationId} to stand still`, async () => {
        const url =
          pollux.origin +
          template.replace(/\{(\w+)\}/g, (_, name: string) => (path as Record<string, string>)[name] ?? '');
        const etag = (await fetch(url)).headers.get('etag');
        expect(etag, template).toMatch(/^"[0-9a-f]{16}"$/);
        const again = await fetch(url, { headers: { 'if-none-match': `W/"other", ${etag}` } });
        expect(await again.text()).toBe(again.status === 304 ? '' : expect.anything());
        return again.status === 304;
      });
      seen.get(operation.operationId)?.add(304);
    }
});

test('a value says how old it is, where it comes from, and how good it is', async () => {
  const read = async (channel: string) =>
    (await call('readLeaf', 200, { path: { name: 'tank1', channel } })) as Record<string, unknown>;
  expect(await read('gauge')).toMatchObject({ source: 'measured', quality: 'good', sd: null, unit: 'cm' });
  expect((await read('gauge')).age).toBeGreaterThan(0);
  expect(await read('level')).toMatchObject({ source: 'estimated', age: 0 });
  expect((await read('level')).sd).toBeGreaterThan(0);
  expect(await read('area')).toMatchObject({ source: 'set', age: null, sd: null, quality: 'good' });
});

// --- doing ---------------------------------------------------------------------------------------------------------

test('an actuator is asked for a value in four ways, and each says what the gate decided', async () => {
  const device = ((await call('listConnectors', 200)) as { name: string }[])[0]?.name ?? '';
  await call('readConnector', 200, { path: { device } });

  const tag = 'tank1.valve';
  const ids = [
    await call('setLeaf', 200, { path: VALVE, body: { value: 0 } }),
    await call('invokeLeaf', 200, { path: VALVE, body: { value: 1, reason: 'by hand' } }),
    await call('command', 200, { body: { tag, value: 0, reason: 'by hand' } }),
    await call('patchTwin', 200, { path: TANK, headers: MERGE, body: { values: { [tag]: 1 } } }),
  ].map((answer) => (answer as { command: number }).command);
  expect(ids).toEqual([...ids].sort((a, b) => a - b));

  await until('the device to obey', async () => {
    const commands = (await call('listCommands', 200, { query: { limit: 4 } })) as { id: number; state: string }[];
    return commands[0]?.id === ids[3] && commands[0]?.state === 'done';
  });
  await call('listCommands', 200, { query: { limit: 4, times: 'ns' } });
});

test('what the gate refuses is refused with its reason', async () => {
  const refused = (await call('setLeaf', 409, { path: VALVE, body: { value: 700 } })) as { detail: string };
  expect(refused.detail).toContain('700 percent is above its maximum 100');
  await call('command', 409, { body: { tag: 'tank1.valve', value: 700 } });
  await call('invokeLeaf', 409, { path: VALVE, body: { value: -1 } });
});

test('a dry run says what would happen, and nothing more', async () => {
  const dry = (await call('command', 200, { body: { tag: 'tank1.valve', value: 7, dry_run: true } })) as {
    command: number;
    dry_run: string;
  };
  expect(dry.dry_run).toBe('dry run: it would be handed over');
  const refused = await call('setLeaf', 409, { path: VALVE, body: { value: 700, dry_run: true } });
  expect((refused as { detail: string }).detail).toContain('dry run: tank1.valve: 700 percent is above its maximum');
  await call('command', 400, { body: { tag: 'tank1.valve', value: 7, dry_run: 'yes' } });
  await until('the list to have it', async () => {
    const commands = (await call('listCommands', 200)) as { id: number; state: string }[];
    return commands.some(({ id, state }) => id === dry.command && state === 'withheld');
  });
});

test('an actuator is commanded by whom its mode names', async () => {
  const mode = (status: number, body: unknown, tag = 'tank1.valve', type = 'application/merge-patch+json') =>
    call('changeMode', status, { path: { tag }, headers: { 'content-type': type }, body });
  await mode(204, { mode: 'blocked', reason: 'repair' });
  await until('the leaf to show it', async () => {
    return ((await call('readLeaf', 200, { path: VALVE })) as { mode: string }).mode === 'blocked';
  });
  const gate = (await call('readGate', 200, { query: { times: 'ns' } })) as { actuators: Record<string, unknown> };
  expect(gate.actuators['tank1.valve']).toMatchObject({ mode: 'blocked', mode_reason: 'repair', held: false });
  expect(((await call('setLeaf', 409, { path: VALVE, body: { value: 3 } })) as { detail: string }).detail).toBe(
    'tank1.valve is blocked: repair',
  );
  await mode(204, { mode: 'automatic' });
  await mode(400, { mode: 'on' });
  await mode(400, { mode: 'manual', why: 'x' });
  await mode(400, { mode: 'manual', reason: 5 });
  await mode(404, { mode: 'manual' }, 'nobody.nothing');
  await mode(404, { mode: 'manual' }, 'tank1.level');
  await mode(413, { mode: 'manual', reason: 'x'.repeat(5000) });
  await mode(415, { mode: 'manual' }, 'tank1.valve', 'application/json');
});

test('people lead actuators to their fail-safe values, and release them', async () => {
  await call('release', 404, { body: {} });
  await call('failSafe', 404, { body: { tag: 'tank1.valve' } });
  await call('failSafe', 204, { body: { reason: 'fire drill' } });
  const held = { path: { name: 'tank2', channel: 'valve' } };
  await until('the leaf to show it', async () => {
    return ((await call('readLeaf', 200, held)) as { held: boolean }).held;
  });
  const refused = (await call('setLeaf', 409, { ...held, body: { value: 3 } })) as { detail: string };
  expect(refused.detail).toBe('tank2.valve is held at its fail-safe value 0 percent: fire drill');
  await call('release', 204, { body: { tag: 'tank2.valve', reason: 'over' } });
  for (const id of ['failSafe', 'release']) {
    await call(id, 400, { body: { tag: 5 } });
    await call(id, 400, { body: { reason: 5 } });
    await call(id, 400, { body: { why: 'x' } });
    await call(id, 404, { body: { tag: 'nobody.nothing' } });
    await call(id, 413, { body: { reason: 'x'.repeat(5000) } });
  }
});

test('what is no actuator cannot be set, and the refusal says why', async () => {
  const reasons = { level: 'estimated', gauge: 'measured', area: 'parameter', inflow: 'input', outflow: 'estimated' };
  for (const [channel, reason] of Object.entries(reasons)) {
    const refused = (await call('setLeaf', 409, { path: { name: 'tank1', channel }, body: { value: 1 } })) as {
      detail: string;
    };
    expect(refused.detail).toContain(reason);
  }
});

test('what is no order is refused', async () => {
  for (const body of [
    '',
    '[]',
    '{',
    '{}',
    '{"value":"1"}',
    '{"value":1,"at":2}',
    '{"value":1,"reason":2}',
    '{"value":1e999}',
  ])
    for (const id of ['setLeaf', 'invokeLeaf']) await call(id, 400, { path: VALVE, body });
  await call('setLeaf', 404, { path: { name: 'tank1', channel: 'nothing' }, body: { value: 1 } });
  await call('invokeLeaf', 404, { path: { name: 'nobody', channel: 'nothing' }, body: { value: 1 } });
  await call('command', 400, { body: { value: 1 } });
  await call('command', 404, { body: { tag: 'nobody.nothing', value: 1 } });
  await call('command', 413, { body: { tag: 'x'.repeat(5000), value: 1 } });
});

test('a patch is a merge patch of one actuator', async () => {
  const patch = (status: number, body: unknown, type = 'application/merge-patch+json') =>
    call('patchTwin', status, { path: TANK, headers: { 'content-type': type }, body });
  await patch(415, { values: { 'tank1.valve': 1 } }, 'application/json');
  await patch(400, { values: {} });
  await patch(400, { time: 1 });
  await patch(400, { values: { 'tank1.valve': 1, 'tank1.level': 1 } });
  await patch(400, { values: { 'tank1.valve': '1' } });
  await patch(404, { values: { 'tank1.nothing': 1 } });
  await patch(409, { values: { 'tank1.valve': null } });
  await patch(409, { values: { 'tank1.level': 1 } });
});

test('time is held, gone through by steps, and let go', async () => {
  const read = async (times: string) =>
    (await call('readTime', 200, { query: { times } })) as { time: string | number; tick: number };
  await call('holdTime', 200, { headers: MERGE, body: { paused: true } });
  let tick = -1;
  await until('it to stand still', async () => {
    const before = tick;
    await new Promise((done) => setTimeout(done, 200));
    tick = (await read('ns')).tick;
    return tick === before;
  });
  await call('stepTime', 200, { body: { ticks: 3 } });
  await until('three ticks', async () => (await read('rfc3339')).tick === tick + 3);
  await call('stepTime', 400, { body: { ticks: 0 } });
  await call('holdTime', 400, { headers: MERGE, body: { speed: -1 } });
  await call('holdTime', 415, { body: { paused: true } });
  await call('holdTime', 200, { headers: MERGE, body: { paused: false, speed: null } });
});

/** A device that offers a tag of its own, connected and heard; `answer` is the status of what it was told first. */
async function visit(device: string): Promise<{ socket: WebSocket; answer: number }> {
  const socket = new WebSocket(`ws://localhost:${pollux.port}/api/v1/ws`, 'pollux.v1.json');
  await once(socket, 'open');
  const tags = { depth: { unit: 'mm' } };
  socket.send(JSON.stringify({ topic: 'provide', headers: { id: 1 }, value: { device, tags, actuators: [] } }));
  const [data] = (await once(socket, 'message')) as [unknown];
  return { socket, answer: (JSON.parse(String(data)) as { headers: { status: number } }).headers.status };
}

test('a device that nobody knows is claimed, bound otherwise, set, replaced and forgotten', async () => {
  const rig = { device: 'rig-1' };
  const bindings = { depth: { tag: 'tank1.level', unit: 'mm' } };
  const [first, spare] = [await visit('rig-1'), await visit('spare')];
  expect([first.answer, spare.answer]).toEqual([202, 202]);
  for (const times of ['ns', 'rfc3339']) {
    await call('listDevices', 200, { query: { times } });
    expect(await call('readDevice', 200, { path: rig, query: { times } })).toMatchObject({ state: 'unclaimed' });
  }
  expect(await call('listCandidates', 200, { path: rig })).toEqual({ depth: ['tank1.gauge', 'tank2.gauge'] });
  await call('listCandidates', 404, { path: rig, query: { tag: 'height' } });
  await call('claimDevice', 400, { path: rig, body: { bindings } });
  await call('claimDevice', 404, { path: { device: 'nobody' }, body: {} });
  await call('claimDevice', 409, { path: rig, body: { session: 999_999 } });
  await call('bindDevice', 409, { path: rig, headers: MERGE, body: { bindings: {} } });
  await call('desireDevice', 409, { path: rig, headers: MERGE, body: { period: 2 } });

  const claimed = { bindings: { depth: 'tank1.gauge' } };
  expect(await call('claimDevice', 200, { path: rig, body: claimed })).toMatchObject({ token: null });
  await call('bindDevice', 200, { path: rig, headers: MERGE, body: { bindings: { depth: null } } });
  await call('bindDevice', 415, { path: rig, body: {} });
  expect(await call('desireDevice', 200, { path: rig, headers: MERGE, body: { period: 2 } })).toMatchObject({
    version: 1,
  });
  await call('desireDevice', 409, { path: rig, query: { version: 7 }, headers: MERGE, body: { period: 3 } });
  await call('desireDevice', 413, { path: rig, headers: MERGE, body: { large: 'x'.repeat(9000) } });
  await call('readDesired', 200, { path: rig });
  await call('readReported', 200, { path: rig, query: { times: 'ns' } });
  for (const id of ['disableDevice', 'enableDevice']) await call(id, 200, { path: rig });
  await call('replaceDevice', 404, { path: rig, body: { by: 'nobody' } });
  expect(await call('replaceDevice', 200, { path: rig, body: { by: 'spare' } })).toMatchObject({
    device: { name: 'rig-1', calls_itself: 'spare', former: ['rig-1'] },
  });
  await call('forgetDevice', 204, { path: rig });
  await call('forgetDevice', 404, { path: rig });
  for (const { socket } of [first, spare]) socket.close();
});

test('devices that nobody knows are let in for some time', async () => {
  const headers = { authorization: `Bearer ${locked.token}` };
  expect(await call('readPairing', 200)).toEqual({ open: true, until: null });
  expect(await call('readPairing', 200, { at: locked, headers })).toEqual({ open: false, until: null });
  expect(await call('pair', 200, { at: locked, headers, body: { seconds: 60 } })).toMatchObject({ open: true });
  await call('pair', 400, { body: { seconds: -1 } });
});

test('samples are pushed, whole or not at all', async () => {
  const sample = { tag: 'tank2.gauge', value: 42.5, quality: 'good' };
  await call('pushSamples', 204, { at: pushed, body: { samples: [sample] } });
  await until('the level', async () => {
    const leaf = await readJson<{ value: number }>(`${pushed.origin}/api/v1/twins/tank2/gauge`);
    return Math.abs(leaf.value - 42.5) < 1e-9;
  });
  await call('pushSamples', 400, { at: pushed, body: [sample, { tag: 'tank2.nothing', value: 1 }] });
  await call('pushSamples', 415, { at: pushed, body: [sample], headers: { 'content-encoding': 'br' } });
  await call('pushSamples', 401, { at: locked, body: [sample] });
  for (const id of ['pushLines', 'pushOldLines']) {
    await call(id, 204, { at: pushed, body: 'tank,id=1 level=1', query: { precision: 's' } });
    await call(id, 400, { at: pushed, body: 'tank,id=1 level=' });
    await call(id, 404, { body: 'tank,id=1 level=1' });
    await call(id, 401, { at: locked, body: 'tank,id=1 level=1', headers: { authorization: 'Token plx_wrong' } });
  }
  await call('pushLines', 404, { at: pushed, body: 'tank,id=1 level=1', query: { bucket: 'elsewhere' } });
  await call('pushOldLines', 404, { at: pushed, body: 'tank,id=1 level=1', query: { db: 'elsewhere' } });
});

test('the log tells as much as it is asked to', async () => {
  expect(await call('writeLog', 200, { body: { level: 'warning' } })).toEqual(await call('readLog', 200));
  await call('writeLog', 400, { body: { level: 'loud' } });
});

test('the script is loaded anew', async () => {
  await call('reload', 200);
});

test('a forecast is asked for, looked at and cancelled', async () => {
  const scenario = { horizon: 60, tags: ['tank1.level'], members: 20, points: 3 };
  await until('the plant to have begun', async () => (await fetch(`${pollux.origin}/api/v1/twins/tank1/level`)).ok);
  const done = (await call('askForecast', 200, { query: { wait: 20 }, body: scenario })) as {
    id: number;
    state: string;
  };
  expect(done.state).toBe('done');
  await call('readForecast', 200, { path: { id: done.id } });
  const queued = (await call('askForecast', 202, { body: { ...scenario, members: 20_000 } })) as { id: number };
  await call('cancelForecast', [200, 202], { path: { id: queued.id } });
  await call('cancelForecast', 404, { path: { id: 999_999 } });
  await call('readForecast', 404, { path: { id: 999_999 } });
  await call('askForecast', 400, { body: '' });
  await call('askForecast', 404, { query: { scenario: 'nothing' } });
  await call('listForecasts', 200);
});

test('a forecast lets the script of the plant act, where it says so', async () => {
  const [plant] = (await call('listPlants', 200)) as { acts: object }[];
  expect(plant?.acts).toEqual({ control: true, handlers: true });

  // the valve is open from the start, and a handler closes it behind the first second
  const body = {
    horizon: 10,
    tags: ['tank1.inflow'],
    members: 3,
    points: 1,
    control: true,
    changes: { 'tank1.valve': 100, 'tank2.level': 300 },
    alternatives: [{ name: 'handled', handlers: true }],
  };
  const { result } = (await call('askForecast', 200, { query: { wait: 20 }, body })) as { result: Outlook };
  const told = result.cases.map(({ control, handlers, series }) => [control, handlers, series[0]?.mean.at(-1)]);
  expect(told).toEqual([
    ['plant', false, 1],
    ['plant', true, 0],
  ]);
});

interface Outlook {
  cases: { control: string; handlers: boolean; series: { mean: number[] }[] }[];
}

test('the past is read as columns, as a table, and as one moment', async () => {
  const now = ((await call('readTime', 200, { query: { times: 'ns' } })) as { time: number }).time;
  const tags = 'tank1.level,tank1.gauge';
  await call('readHistory', 200, { query: { tags, level: '1s' } });
  expect(await call('readHistory', 200, { query: { tags, format: 'csv' } })).toMatch(/^\w+(,\w+)+\r\n/);
  const table = await call('readHistory', 200, { query: { tags }, headers: { accept: 'text/csv' } });
  expect(table).toMatch(/^\w+(,\w+)+\r\n/);
  await call('readHistory', 400, { query: { tags, level: '1d' } });
  for (const times of ['ns', 'rfc3339']) await call('readMoment', 200, { query: { at: now, times } });
  await call('readMoment', 400, { query: { at: 'noon' } });
});

test('who did what is in the audit trail, page by page', async () => {
  const { entries, next } = (await call('readAudit', 200, { query: { limit: 2 } })) as {
    entries: { seq: number }[];
    next: number;
  };
  expect(entries).toHaveLength(2);
  expect(next).toBe(entries[1]?.seq);
  await call('readAudit', 200, { query: { limit: 2, before: next, times: 'ns' } });
  await call('readAudit', 400, { query: { before: 0 } });
});

test('an alarm is read with its past', async () => {
  const [alarm] = (await call('listAlarms', 200)) as { id: number; twin: string; name: string }[];
  expect(alarm).toMatchObject({ name: 'overflow' });
  for (const times of ['ns', 'rfc3339'])
    await call('readAlarm', 200, { path: { id: alarm?.id ?? 0 }, query: { times } });
});

test('people act on alarms, and what they put aside is listed', async () => {
  const alarms = (await call('listAlarms', 200)) as { id: number; state: string }[];
  const path = { id: alarms.find((each) => each.state !== 'over')?.id ?? 0 };
  await call('commentAlarm', 200, { path, body: { comment: 'looked at' } });
  await call('shelveAlarm', 200, { path, body: { seconds: 600, comment: 'known' } });
  await call('suppressAlarm', 200, { path, query: { times: 'ns' } });
  const aside = async (times: string) =>
    ((await call('listShelved', 200, { query: { times } })) as { alarms: { alarm: number }[] }).alarms;
  for (const times of ['ns', 'rfc3339'])
    await until(
      'what is aside',
      async () => (await aside(times)).filter((each) => each.alarm === path.id).length === 2,
    );
  await call('unshelveAlarm', 200, { path });
  await call('unsuppressAlarm', 200, { path });

  // it is raised anew, so there is something to acknowledge
  await call('acknowledgeAlarm', 200, { path });
  await call('commentAlarm', 400, { path, body: {} });
  await call('shelveAlarm', 400, { path, body: { seconds: 0 } });
  await call('suppressAlarm', 400, { path, body: { nothing: 1 } });
  for (const id of ['unshelveAlarm', 'unsuppressAlarm']) await call(id, 404, { path });
  await call('acknowledgeAlarm', 404, { path: { id: 999_999 } });
});

// --- nothing was left out ------------------------------------------------------------------------------------------

test('every operation was called with good and with bad input', () => {
  for (const [id, statuses] of everyOperation()) {
    const good = [...statuses].some((status) => status < 300 || status === 426);
    const bad = [...statuses].some((status) => status >= 400);
    expect({ id, good, bad }).toEqual({ id, good: true, bad: true });
  }
});

function everyOperation(): [string, Set<number>][] {
  return Object.values(openapi.paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }): [string, Set<number>] => [
      operationId,
      seen.get(operationId) ?? new Set(),
    ]),
  );
}
