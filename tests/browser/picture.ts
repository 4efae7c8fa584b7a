/** Takes the pictures of the README: `npm run picture` in web/. An emulated plant, so that nothing in them was recorded. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, test } from 'vitest';
import { emulate, freePort, type Program, serve, temporaryFolder, until, type Visit, visit, WATERWORKS } from './kit';

/** Of the demo's story only the burst in the hamlet, five minutes after the start, and slower. */
const SPEED = 20;
const FAULT = ['--no-faults', '--fault', 'hamlet.leakage:set:4@300'];
const FAULT_MS = 120_000;

const FORECAST_MS = 30_000;

/** Until what has come is drawn. */
const DRAWN_MS = 1_500;

/** From the alarm until the handler has answered it. */
const OPEN_MS = 3_000;

const folder = temporaryFolder();
const programs: Program[] = [];
let address: string;
let browser: Visit;

beforeAll(async () => {
  const port = await freePort();
  address = `http://localhost:${port}/`;
  programs.push(await serve(port, folder, SPEED, WATERWORKS), emulate(port, WATERWORKS, FAULT));
  browser = await visit(`${address}#/plant/hamlet`);
});

afterAll(async () => {
  await browser?.close();
  for (const program of programs.reverse()) await program.stop();
  rmSync(folder, { recursive: true, force: true });
});

const find = (testid: string) => browser.page.getByTestId(testid);

async function take(name: string): Promise<void> {
  await browser.page.mouse.move(0, 0);
  await browser.page.waitForTimeout(DRAWN_MS);
  await browser.page.screenshot({ path: join(process.env.POLLUX_PICTURES ?? folder, `${name}.png`) });
}

test(
  'the plant while an alarm is active',
  async () => {
    const burst = async () => (await fetch(`${address}api/v1/alarms?limit=9&twin=hamlet`)).text();
    await until('the burst', async () => (await burst()).includes('"burst"'), FAULT_MS);
    await browser.page.waitForTimeout(OPEN_MS);
    await take('dashboard');
  },
  FAULT_MS + FORECAST_MS,
);

test('what the alarm was raised on', async () => {
  await browser.page.goto(`${address}#/alarms`);
  await browser.page.locator('.alarm-link', { hasText: 'burst' }).first().click();
  await find('telling-charts').locator('canvas').first().waitFor();
  await take('alarms');
});

test('the twin beside its asset, and what it expects', async () => {
  await browser.page.goto(`${address}#/twin/hamlet`);
  await find('ahead').check();
  await until('the fan', async () => Number(await browser.page.locator('.plot').first().getAttribute('data-to')) > 0);
  await browser.page.waitForTimeout(OPEN_MS);
  await take('twin');
});

test('what would come of another opening of the valve', async () => {
  await browser.page.goto(`${address}#/whatif`);
  await find('add-case').click();
  await find('pick-change-1').fill('zone.opening_setpoint');
  await browser.page.getByLabel('zone.opening_setpoint, by number').fill('0.6');
  await find('pick-told').fill('zone.flow');
  await find('run').click();
  await find('outcome').waitFor({ timeout: FORECAST_MS });
  await browser.page.evaluate(() => window.scrollTo(0, 0));
  await take('whatif');
});
