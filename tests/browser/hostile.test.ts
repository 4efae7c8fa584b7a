/** What a real Pollux would not send: names that are markup, frames that break the protocol, refusals.
 *
 *  The page is the built one; the server is played by the test, inside of the browser.
 */
import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { Page, WebSocketRoute } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until, type Visit, visit, WEB } from './kit';

const ADDRESS = 'http://pollux.test';
const NOW_NS = 1_611_326_940_000_000_000;
const MARKUP = '<img src=x onerror="document.title=`broken into`">';

const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };

const twin = (name: string) => ({
  name,
  model: MARKUP,
  doc: MARKUP,
  channels: [{ tag: `${name}.x`, name: MARKUP, kind: 'state', unit: MARKUP, doc: MARKUP }],
});

const SNAPSHOT = {
  topic: 'snapshot',
  value: {
    plant: MARKUP,
    doc: MARKUP,
    version: '0',
    step: 0.5,
    clock: 'utc',
    twins: [twin('first'), twin('__proto__'), twin(MARKUP)],
    alarms: [
      {
        id: 7,
        twin: MARKUP,
        name: MARKUP,
        severity: 'critical',
        state: 'raised',
        text: MARKUP,
        raised: NOW_NS,
        acknowledged: null,
        returned: null,
        revision: 1,
      },
    ],
    commands: [],
  },
};

const TICK = {
  topic: 'tick',
  value: { time: NOW_NS, tick: 1, speed: 1, values: { 'first.x': [1.5, 0.1] }, twins: {} },
};

let browser: Visit;
let socket: WebSocketRoute;

async function playServer(page: Page): Promise<void> {
  await page.route(`${ADDRESS}/**`, (route) => {
    const { pathname } = new URL(route.request().url());
    if (pathname === '/healthz') return route.fulfill({ body: 'ok' });
    if (pathname.startsWith('/api/')) return route.fulfill({ status: 200, body: '<html>not what was asked for' });
    const body = readFileSync(join(WEB, pathname === '/' ? 'index.html' : pathname));
    return route.fulfill({ body, contentType: TYPES[extname(pathname) || '.html'] ?? 'image/svg+xml' });
  });
  await page.routeWebSocket(/\/api\/v1\/ws$/, (route) => {
    socket = route;
    route.onMessage((text) => answer(route, JSON.parse(String(text))));
  });
}

function answer(route: WebSocketRoute, request: { topic: string; headers: { id: number } }): void {
  const { topic, headers } = request;
  if (topic === 'subscribe') {
    for (const message of [SNAPSHOT, TICK]) route.send(JSON.stringify(message));
  } else {
    const value = { type: 'about:blank', title: 'Forbidden', status: 403, detail: `${MARKUP} may not` };
    route.send(JSON.stringify({ topic, headers: { id: headers.id, status: 403 }, value }));
  }
}

const find = (testid: string) => browser.page.getByTestId(testid);

beforeAll(async () => {
  browser = await visit(`${ADDRESS}/#/twin`, playServer);
  await find('plant-time').waitFor();
});

afterAll(async () => {
  await browser?.close();
});

test('shows names that are markup as the text that they are', async () => {
  expect(await find('plant').textContent()).toBe(MARKUP);
  expect(await find('worst-alarm').textContent()).toContain(MARKUP);
  expect(await find('value-first.x').textContent()).toBe('1.50');
  expect(await browser.page.locator('img').count()).toBe(0);
  expect(await browser.page.title()).toBe(`(1) Twin · ${MARKUP} · Pollux`);
});

test('lets one choose every twin, whatever its name is', async () => {
  for (const name of ['__proto__', MARKUP]) {
    await find('twin-choice').selectOption(name);
    await find(`chart-${name}.x`).waitFor();
  }
});

test('says why an alarm was not acknowledged, and lets one try again', async () => {
  expect(await find('alarm-7').textContent()).toContain(MARKUP);
  await find('ack-7').click();
  await until('the refusal', async () => ((await find('alarm-7').textContent()) ?? '').includes(`${MARKUP} may not`));
  expect(await find('ack-7').isEnabled()).toBe(true);
  await find('twin-choice').selectOption('first');
});

test('tells of a record that could not be read', async () => {
  await until('the banner', async () => (await find('banner').textContent())?.includes('not JSON') === true);
});

test('leaves out a frame that breaks the protocol, says so, and goes on', async () => {
  socket.send('{"topic":"tick","value":{"time":"yesterday"}}');
  await until('the banner', async () => (await find('banner').textContent())?.includes('/time') === true);

  socket.send(JSON.stringify({ ...TICK, value: { ...TICK.value, values: { 'first.x': [2.5, 0.1] } } }));
  await until('the next value', async () => (await find('value-first.x').textContent()) === '2.50');
  expect(browser.errors).toEqual([]);
});
