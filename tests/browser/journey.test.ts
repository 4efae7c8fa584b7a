/** From watching to acting, against a real Pollux: a twin over any span, then what if, then the command that moves the
 *  emulated valve.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  emulate,
  freePort,
  type Program,
  serve,
  shotsFolder,
  temporaryFolder,
  until,
  type Visit,
  visit,
  WATERWORKS,
} from './kit';

const SPEED = 60;
const FORECAST_MS = 30_000;

/** The valve of the hamlet, which nobody else commands before the burst, after more than two hours of plant time. */
const ORDER = 'zone.opening_order';
const WANTED = 0.3;

/** An input of nobody's interest, for a search. */
const VARIED = 'hamlet.demand';

const SEARCH_MS = 120_000;

const folder = temporaryFolder();
const shots = shotsFolder();
const programs: Program[] = [];
let address: string;
let browser: Visit;

beforeAll(async () => {
  const port = await freePort();
  address = `http://localhost:${port}`;
  programs.push(await serve(port, folder, SPEED, WATERWORKS), emulate(port, WATERWORKS));
  browser = await visit(`${address}/#/twin/zone`);
  await find('plant-time').waitFor();
});

afterAll(async () => {
  await browser?.close();
  for (const program of programs.reverse()) await program.stop();
  rmSync(folder, { recursive: true, force: true });
});

const find = (testid: string) => browser.page.getByTestId(testid);
const textOf = async (testid: string) => (await find(testid).textContent()) ?? '';
const shoot = (name: string) => browser.page.screenshot({ path: join(shots, `journey-${name}.png`) });

const chartBox = async () => {
  const box = await browser.page.locator('figure.chart-sensed .plot').first().boundingBox();
  if (box === null) throw new Error('there is no chart');
  return box;
};

/** What the server says of one value. */
const served = async (path: string): Promise<number> => {
  const response = await fetch(`${address}/api/v1/twins/${path}`);
  return Number(((await response.json()) as { value: unknown }).value);
};

/** What a value comes to in the end, case by case, as the legend of its fan says. */
const endsOf = async (tag: string): Promise<number[]> => {
  const texts = await find(`fan-${tag}`).locator('.legend-value').allTextContents();
  return texts.map((text) => Number(text.replaceAll(/[^\d.]/g, '')));
};

interface Search {
  result: { optimum: { values: { tag: string; value: number }[] } };
}

/** What the server itself tells of the newest forecast. */
async function newestSearch(): Promise<Search> {
  const jobs = (await (await fetch(`${address}/api/v1/forecasts`)).json()) as { id: number }[];
  const newest = Math.max(...jobs.map(({ id }) => id));
  return (await (await fetch(`${address}/api/v1/forecasts/${newest}`)).json()) as Search;
}

test('shows any span from ten seconds to a year', async () => {
  for (const span of ['10 s', '1 y', '15 min']) {
    await browser.page.getByRole('radio', { name: span, exact: true }).check();
    await until(
      `the record of ${span}`,
      async () => (await browser.page.locator('.charts').getAttribute('data-loading')) === 'false',
    );
  }
  expect(await find('live').isDisabled()).toBe(true);
});

test('looks ahead of now', async () => {
  const right = async () => browser.page.locator('figure.chart-sensed .plot').first().getAttribute('data-to');
  const before = Number(await right());
  await find('ahead').check();
  await until('the fan', async () => Number(await right()) > before + 200, FORECAST_MS);
  await shoot('ahead-dark');
  await find('ahead').uncheck();
});

test('zooms into what is drawn out with the mouse, and stays there; back is what was before', async () => {
  await until('some minutes of record', async () => {
    const plot = browser.page.locator('figure.chart-sensed .plot').first();
    return Number(await plot.getAttribute('data-to')) - Number(await plot.getAttribute('data-from')) > 300;
  });
  const { x, y, width, height } = await chartBox();
  await browser.page.mouse.move(x + width * 0.4, y + height / 2);
  await browser.page.mouse.down();
  await browser.page.mouse.move(x + width * 0.7, y + height / 2, { steps: 6 });
  await browser.page.mouse.up();
  await until('the piece', async () => / to .*, \d+ (s|min)$/.test(await textOf('piece')));
  const piece = await textOf('piece');
  await browser.page.waitForTimeout(1_000);
  expect(await textOf('piece')).toBe(piece);

  await browser.page.getByLabel('Earlier').click();
  await until('an earlier piece', async () => (await textOf('piece')) !== piece);
  await find('back').click();
  await until('the piece before', async () => (await textOf('piece')) === piece);
});

test('reads all charts under one cursor', async () => {
  const { x, y, width, height } = await chartBox();
  const values = ['sensed', 'divergence'].map((kind) =>
    browser.page.locator(`figure.chart-${kind} .legend-value`).last(),
  );
  // on the left may lie the time before the first sample, on the right what is still to come
  let place = 0;
  await until('values of both charts', async () => {
    place = place === 9 ? 1 : place + 1;
    await browser.page.mouse.move(x + (width * place) / 10, y + height / 2);
    const texts = await Promise.all(values.map((value) => value.textContent()));
    return texts.every((text) => /\d/.test(text ?? '')) && /at \d/.test(await textOf('cursor-time'));
  });
  await browser.page.mouse.move(0, 0);
});

test('hands out what is shown as a table', async () => {
  const wanted = browser.page.waitForEvent('download');
  await find('csv').click();
  const file = await (await wanted).path();
  expect(readFileSync(file, 'utf8')).toMatch(/^time,tag,value,.*\s+\S+,zone\./);
  await find('live').click();
  await until('the live edge', () => find('live').isDisabled());
});

test('asks what if, for two cases side by side on the same random numbers', async () => {
  await find('nav-whatif').click();
  await find('add-case').click();
  await find('pick-change-1').fill('zone.opening_setpoint');
  await find('pick-told').fill('hamlet.pressure');
  await browser.page.getByLabel('zone.opening_setpoint, by number').fill(String(WANTED));
  await find('cost-expression').fill('t.lift_1.power + t.lift_2.power');
  await find('cost-unit').fill('kWh');
  await find('run').click();
  await find('outcome').waitFor({ timeout: FORECAST_MS });
  expect(await find('fan-hamlet.pressure').locator('.fan-line').count()).toBe(2);
  await find('fan-hamlet.pressure, more than as it is').waitFor();
  expect(await textOf('costs')).toMatch(/more than as it is.*±/);
  await shoot('whatif-dark');

  await browser.page.getByRole('radio', { name: 'side by side' }).check();
  await find('fan-hamlet.pressure, what if').waitFor();
});

test('says what is wrong with a scenario before it is sent', async () => {
  await find('horizon').fill('');
  await browser.page.getByText('The horizon must be longer than nothing.').waitFor();
  expect(await find('run').isDisabled()).toBe(true);
  await find('horizon').fill('10');
});

test('cancels a forecast that is under way', async () => {
  await find('horizon').fill('2000');
  await browser.page.getByLabel('Members').fill('4000');
  await find('run').click();
  await find('run-progress').waitFor({ timeout: FORECAST_MS });
  await find('cancel-run').click();
  await find('run').waitFor();
  const states = async () => (await (await fetch(`${address}/api/v1/forecasts`)).json()) as { state: string }[];
  await until('the cancellation', async () => (await states()).some(({ state }) => state === 'cancelled'));
  await find('horizon').fill('10');
  await browser.page.getByLabel('Members').fill('128');
});

test('tells when there may be room again, where the desk is full', async () => {
  await browser.page.route('**/api/v1/forecasts?*', (route) =>
    route.fulfill({ status: 429, headers: { 'retry-after': '7' }, json: { detail: 'all places are taken' } }),
  );
  await find('run').click();
  await until('the refusal', async () => /all places are taken.* in [1-7] s/.test(await textOf('run-failed')));
  await browser.page.unroute('**/api/v1/forecasts?*');
});

test(
  'shows the best so far while it searches, and goes on with what the server has found',
  async () => {
    await find('pick-change-0').fill(VARIED);
    await find(`change-${VARIED}`).first().getByText('let it vary').click();
    await find('pick-keep').fill('hamlet.low_pressure');
    await find('optimize').click();
    await until(
      'the best so far',
      async () =>
        (await find('take').count()) > 0 ||
        /best of \d+ so far: .* kWh/.test((await find('run-progress').allTextContents()).join()),
      FORECAST_MS,
    );
    await find('take').waitFor({ timeout: SEARCH_MS });
    expect(await textOf('found')).toMatch(/^Best of \d+ forecasts: hamlet\.demand = .* kWh/);
    await find('take').click();

    const [found] = (await newestSearch()).result.optimum.values;
    expect(found?.tag).toBe(VARIED);
    const number = browser.page.getByLabel(`${VARIED}, by number`).first();
    expect(Number(await number.inputValue())).toBeCloseTo(found?.value ?? Number.NaN, 2);
    await shoot('search-dark');
    await browser.page.getByLabel(`Leave ${VARIED} as it is`).first().click();
  },
  SEARCH_MS + FORECAST_MS,
);

test('applies the command of a case through the gate, and the valve moves', async () => {
  await find('run').click();
  await find('fan-hamlet.pressure, what if').waitFor({ timeout: FORECAST_MS });
  await find('run').waitFor({ timeout: FORECAST_MS });
  expect(await served('zone/opening')).toBeGreaterThan(0.45);
  await find(`apply-${ORDER}-${WANTED}`).click();
  await until('the command', async () => (await find(`answer-${ORDER}`).getAttribute('data-state')) === 'done');
  await until('the valve to move', async () => Math.abs((await served('zone/opening')) - WANTED) < 0.02);
  await shoot('applied-dark');
});

test('lets controllers and handlers act, who answer a clogged basin with a command', async () => {
  await find('pick-change-0').fill('basin_a.discharge');
  await browser.page.getByLabel('basin_a.discharge, by number').fill('0.24');
  await find('pick-told').fill('well_a.speed_order');
  await browser.page.getByRole('radio', { name: 'together' }).check();

  // by keyboard, and the first case's choice is that of the others
  await find('control-0').press('Space');
  await until('the other case to follow', () => find('control-1').isChecked());
  await find('handlers-1').check();
  expect(await find('handlers-0').isChecked()).toBe(false);
  await browser.page.getByText(`change ${ORDER} instead`).click();
  await find(`change-${ORDER}`).waitFor();

  await find('run').click();
  await find('fan-well_a.speed_order').waitFor({ timeout: FORECAST_MS });
  expect(await textOf('acted')).toMatch(/as it is: the controllers act.*what if: the controllers and the handlers act/);
  expect(await endsOf('well_a.speed_order')).toEqual([2900, 1700]);
  // what was commanded before holds on: controllers go on with it
  const [opening] = await endsOf('zone.opening');
  expect(opening).toBeCloseTo(await served(ORDER.replace('.', '/')), 2);
  await find(`apply-${ORDER}-${WANTED}`).waitFor();
  await shoot('whatif-acts-dark');
});

test('fits a phone', async () => {
  await browser.page.setViewportSize({ width: 390, height: 844 });
  await until('the page to fit', () =>
    browser.page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth),
  );
  await shoot('whatif-phone-dark');
});

test('has asked nobody but its own server, and has nothing to complain about', () => {
  expect([...browser.hosts]).toEqual([new URL(address).host]);
  expect(browser.errors.filter((error) => !error.includes('429'))).toEqual([]);
});
