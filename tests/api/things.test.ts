/** A public client of the Web of Things, which knows nothing of Pollux, finds its way from /.well-known/wot to an actuator. */
import { createRequire } from 'node:module';
import HttpBinding from '@node-wot/binding-http';
import { Servient } from '@node-wot/core';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../browser/programs';
import { acknowledge, type Pollux, readJson, startPollux } from './pollux';

interface Thing {
  id: string;
  title: string;
  base: string;
  links: { rel: string; href: string; type: string }[];
  properties: Record<string, { forms: { href: string }[] }>;
  actions?: Record<string, unknown>;
}

const schema = createRequire(import.meta.url)('wot-thing-description-types/schema/td-json-schema-validation.json');

let pollux: Pollux;
let servient: Servient;
let wot: Awaited<ReturnType<Servient['start']>>;

beforeAll(async () => {
  pollux = await startPollux();
  servient = new Servient();
  servient.addClientFactory(new HttpBinding.HttpClientFactory());
  wot = await servient.start();
});
afterAll(async () => {
  await servient?.shutdown();
  await pollux?.stop();
});

/** The plant, and the twins that it links to. */
async function discover(): Promise<{ plant: Thing; twins: Thing[] }> {
  const plant = await readJson<Thing>(`${pollux.origin}/.well-known/wot`);
  const items = plant.links.filter(({ rel }) => rel === 'item');
  const twins = await Promise.all(items.map(({ href }) => readJson<Thing>(new URL(href, plant.base).href)));
  return { plant, twins };
}

async function consume(title: string) {
  const { twins } = await discover();
  const thing = twins.find((each) => each.title === title);
  if (thing === undefined) throw new Error(`no Thing ${title}`);
  return wot.consume(thing as unknown as Parameters<typeof wot.consume>[0]);
}

test('plant and twins are Things by the schema of the W3C', async () => {
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats.default(ajv);
  const validate = ajv.compile(schema);
  const { plant, twins } = await discover();
  expect(twins.map(({ title }) => title).sort()).toEqual(['tank1', 'tank2']);
  for (const thing of [plant, ...twins]) {
    validate(thing);
    expect(validate.errors ?? [], thing.title).toEqual([]);
  }
  expect(new Set([plant, ...twins].map(({ id }) => id)).size).toBe(3);
});

test('a Thing names the address by which it was reached', async () => {
  for (const host of ['localhost', '127.0.0.1']) {
    const { base } = await readJson<Thing>(`http://${host}:${pollux.port}/.well-known/wot`);
    expect(base).toBe(`http://${host}:${pollux.port}/api/v1/`);
  }
});

test('every property of every twin can be read, as its description says', async () => {
  const { twins } = await discover();
  for (const { title, properties } of twins) {
    const thing = await consume(title);
    for (const name of Object.keys(properties)) {
      // node-wot holds the answer to the schema in the description
      const leaf = (await (await thing.readProperty(name)).value()) as { value: number | null; unit: string };
      expect(leaf.unit, `${title}.${name}`).toBeTypeOf('string');
    }
  }
});

test('a property is observed as it changes', async () => {
  const thing = await consume('tank1');
  const values: number[] = [];
  const subscription = await thing.observeProperty('gauge', async (output) => {
    values.push(((await output.value()) as { value: number }).value);
  });
  await until('five values', async () => values.length >= 5);
  await subscription.stop();
  expect(new Set(values).size).toBeGreaterThan(1);
});

test('an alarm is an event', async () => {
  const thing = await consume('tank1');
  const told: { id: number }[] = [];
  const subscription = await thing.subscribeEvent('alarm', async (output) => {
    told.push((await output.value()) as { id: number });
  });
  const id = await acknowledge(pollux, 'tank1');
  await until('the alarm', async () => told.some((alarm) => alarm.id === id));
  await subscription.stop();
});

test('an action becomes a command, which the device obeys', async () => {
  const thing = await consume('tank1');
  const output = (await (
    await thing.invokeAction('valve', { value: 40, reason: 'a client of the Web of Things' })
  )?.value()) as { command: number };
  await until('the command to be done', async () => {
    const commands = await readJson<{ id: number; state: string }[]>(`${pollux.origin}/api/v1/commands?limit=5`);
    return commands.some(({ id, state }) => id === output.command && state === 'done');
  });
  await until(
    'the valve to tell',
    async () => ((await (await thing.readProperty('valve')).value()) as { value: number }).value === 40,
  );
});

test('what the gate refuses is an error of the action', async () => {
  const thing = await consume('tank1');
  await expect(thing.invokeAction('valve', { value: 400 })).rejects.toThrow('Conflict');
});
