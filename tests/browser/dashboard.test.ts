/** The dashboard in a real browser against a real Pollux with its emulated plant.
 *
 *  One story in its order: nobody there, a device comes, a fault, the server goes and comes back.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  chooseTheme,
  coloursIn,
  emulate,
  fitsWidth,
  freePort,
  type Program,
  serve,
  shotsFolder,
  temporaryFolder,
  until,
  type Visit,
  visit,
} from './kit';

/** The emulated lid opens ten minutes of plant time after the start: that is ten seconds. */
const SPEED = 60;
const FAULT_MS = 60_000;

/** Page and device try again after some seconds, which double with every failure. */
const RETURN_MS = 30_000;

const folder = temporaryFolder();
const shots = shotsFolder();
let port: number;
let server: Program;
let plant: Program | null = null;
let browser: Visit;

beforeAll(async () => {
  port = await freePort();
  server = await serve(port, folder, SPEED);
  browser = await visit(`http://localhost:${port}/`);
});

afterAll(async () => {
  await browser?.close();
  await plant?.stop();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
  console.info(`screenshots are in ${shots}`);
});

const find = (testid: string) => browser.page.getByTestId(testid);
const linkState = () => find('connection').getAttribute('data-state');

const shoot = (name: string) => browser.page.screenshot({ path: join(shots, `${name}.png`) });

test('says that it waits for a device, and how to start one', async () => {
  await find('waiting').waitFor();
  expect(await find('waiting').textContent()).toContain(`pollux emulate PLANT.lua --url ws://localhost:${port}`);
  await shoot('waiting-dark');
});

test('comes alive with the first samples, and its values and time go on', async () => {
  plant = emulate(port);
  const time = find('plant-time');
  await time.waitFor();
  await until('the connection to be live', async () => (await linkState()) === 'live');

  const value = find('verdict').locator('~ .tile').first().locator('[data-testid^="value-"]').first();
  const [firstTime, firstValue] = [await time.textContent(), await value.textContent()];
  expect(firstValue).toMatch(/\d/);
  await until('plant time to go on', async () => (await time.textContent()) !== firstTime);
  await until('a value to change', async () => (await value.textContent()) !== firstValue);
});

test('draws what is sensed, how far sensors and twin are apart, the statistic, and what is tracked', async () => {
  for (const kind of ['sensed', 'innovation', 'divergence', 'tracked']) {
    await until(
      `a picture in the chart of kind ${kind}`,
      async () => (await coloursIn(browser.page, `figure.chart-${kind}`)) > 20,
    );
  }
  expect(await find('nis').textContent()).toMatch(/^\d\.\d\d$/);
  await shoot('settling-dark');
});

test('reads the values under the cursor, by mouse and by arrow key', async () => {
  const chart = browser.page.locator('figure.chart-sensed .plot').first();
  const box = await chart.boundingBox();
  if (box === null) throw new Error('the chart has no place');
  await browser.page.mouse.move(box.x + box.width * 0.9, box.y + box.height / 2);
  await until('the time under the cursor', async () => /at \d/.test((await find('cursor-time').textContent()) ?? ''));
  await browser.page.mouse.move(0, 0);
  await until('the cursor to go', async () => (await find('cursor-time').textContent()) === '');

  await chart.focus();
  await browser.page.keyboard.press('ArrowLeft');
  await until('the time of the keys', async () => /at \d/.test((await find('cursor-time').textContent()) ?? ''));
  await browser.page.keyboard.press('Tab');
});

test('changes the span and the theme, and remembers the theme', async () => {
  await browser.page.getByRole('radio', { name: '5 min', exact: true }).check();
  await chooseTheme(browser.page, 'light');
  expect(await browser.page.locator('html').getAttribute('data-theme')).toBe('light');
  await browser.page.reload();
  await find('plant-time').waitFor();
  expect(await browser.page.locator('html').getAttribute('data-theme')).toBe('light');
});

test(
  'shows the alarm of a fault, and acknowledges it',
  async () => {
    const raised = browser.page.locator('.alarm[data-state="raised"], .alarm[data-state="returned"]');
    await until('an alarm', async () => (await raised.count()) > 0, FAULT_MS);
    const id = (await raised.first().getAttribute('data-testid'))?.replace('alarm-', '');
    await until('the command', async () => (await browser.page.locator('.command[data-state="done"]').count()) > 0);
    await browser.page.evaluate(() => scrollTo(0, 0));
    await shoot('fault-light');

    await find(`ack-${id}`).click();
    await until('the acknowledgement', async () => {
      const state = await find(`alarm-${id}`).getAttribute('data-state');
      return state === 'acknowledged' || state === 'over';
    });
    expect(await find(`ack-${id}`).count()).toBe(0);
  },
  FAULT_MS + 30_000,
);

test('has the statistic of before it came, from the record', async () => {
  await browser.page.reload();
  await until(
    'the record',
    async () => (await browser.page.locator('.charts').getAttribute('data-loading')) === 'false',
  );
  const plot = browser.page.locator('figure.chart-divergence .plot');
  const box = await plot.boundingBox();
  if (box === null) throw new Error('the chart has no place');
  await browser.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  const statistic = browser.page.locator('figure.chart-divergence .legend-value').last();
  await until('the statistic under the cursor', async () => /^\d\.\d\d$/.test((await statistic.textContent()) ?? ''));
  expect(await find('cursor-time').textContent()).toMatch(/^at \d/);
  await browser.page.mouse.move(0, 0);
});

test('fits a phone, without a bar to scroll sideways', async () => {
  await browser.page.setViewportSize({ width: 390, height: 844 });
  await until('the charts to fit', () => fitsWidth(browser.page));
  await shoot('phone-light');
  await browser.page.setViewportSize({ width: 1280, height: 800 });
});

test('has its picture taken in dark and in light', async () => {
  await chooseTheme(browser.page, 'dark');
  await browser.page.mouse.move(0, 0);
  await browser.page.waitForTimeout(300);
  await shoot('live-dark');
  await chooseTheme(browser.page, 'light');
  await browser.page.mouse.move(0, 0);
  await browser.page.waitForTimeout(300);
  await shoot('live-light');
});

test('has asked nobody but its own server, and has nothing to complain about', () => {
  expect([...browser.hosts]).toEqual([`localhost:${port}`]);
  expect(browser.errors).toEqual([]);
});

test('says that the server is gone, keeps its picture, and comes back by itself', async () => {
  await server.stop();
  await until('the page to be offline', async () => (await linkState()) === 'offline');
  expect(await find('banner').textContent()).toMatch(/No connection since .*(Next try in \d+ s|Trying now)/);
  expect(await find('plant-time').textContent()).toMatch(/\d\d:\d\d:\d\d/);
  await shoot('offline-light');

  // nor does one need it for a page that has not been opened before
  await find('nav-audit').click();
  await find('audit').waitFor();
  await browser.page.goBack();

  const before = (await find('plant-time').textContent()) ?? '';
  server = await serve(port, folder, SPEED);
  await until('the page to be live again', async () => (await linkState()) === 'live', RETURN_MS);
  await until('plant time to go on', async () => (await find('plant-time').textContent()) !== before, RETURN_MS);
});
