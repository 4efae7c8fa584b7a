/** A plant of more twins than are shown, against a real Pollux: the map of all of them, and the search. */
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  emulate,
  freePort,
  MODELS,
  type Program,
  serve,
  shotsFolder,
  temporaryFolder,
  until,
  type Visit,
  visit,
} from './kit';

/** 2,000 cells, one of which loses its thermometer once the twins have settled; a fleet takes samples once a minute. */
const SCRIPT = `return plant "cells" {
  step = 10, clock = "provider",
  assets = { fleet("cell", 2000, "storage_cell", function(i) return { capacity = 270 + i % 20 } end) },
  emulate = { faults = { dead = { fault = "cell_1234.thermometer_dead", at = 420 } } },
}`;
const SPEED = 100;
const FAULT_MS = 60_000;

const folder = temporaryFolder();
const shots = shotsFolder();
const programs: Program[] = [];
let browser: Visit;

beforeAll(async () => {
  const port = await freePort();
  const plant = join(folder, 'cells.lua');
  mkdirSync(join(folder, 'models'));
  cpSync(MODELS, join(folder, 'models'), { recursive: true });
  writeFileSync(plant, SCRIPT);
  programs.push(await serve(port, folder, SPEED, plant), emulate(port, plant));
  browser = await visit(`http://localhost:${port}/`);
  await find('plant-time').waitFor();
});

afterAll(async () => {
  await browser?.close();
  for (const program of programs.reverse()) await program.stop();
  rmSync(folder, { recursive: true, force: true });
});

const find = (testid: string) => browser.page.getByTestId(testid);
const shoot = (name: string) => browser.page.screenshot({ path: join(shots, `fleet-${name}.png`) });

test('says how many twins there are, and that they are calm', async () => {
  await find('twin-count').waitFor();
  expect(await find('twin-count').textContent()).toBe('2,000');
  expect(await find('tally-0').textContent()).toBe('2,000 calm');
});

test('finds a twin by a part of its name, and shows it though it was not among those shown', async () => {
  await find('fleet-search').fill('1777');
  await find('twin-cell_1777').click();
  await find('value-cell_1777.charge').waitFor();
  expect(await find('twin-cell_1777').getAttribute('aria-pressed')).toBe('true');
  expect(await find('twin-shown').textContent()).toBe('cell_1777');
  await find('fleet-search').fill('nobody');
  await browser.page.getByText('No twin has this in its name.').waitFor();
  await find('fleet-search').fill('');
});

test('opens the twin that is clicked on the map, enlarged or not', async () => {
  // twenty squares of a hundred: where the first stands depends on the room, its corner is the first twin
  const box = await find('fleet-map').boundingBox();
  if (box === null) throw new Error('there is no map');
  await browser.page.mouse.click(box.x + box.width / 2 + 3, box.y + box.height / 2 + 3);
  await until('a twin from the map', async () => !browser.page.url().endsWith('cell_1777'));
  const first = browser.page.url();
  await browser.page.mouse.move(box.x + box.width / 2 + 3, box.y + box.height / 2 + 3);
  await browser.page.mouse.wheel(0, -1500);
  await browser.page.waitForTimeout(200);
  await browser.page.mouse.click(box.x + box.width / 2 + 3, box.y + box.height / 2 + 3);
  await browser.page.waitForTimeout(500);
  expect(browser.page.url()).toBe(first);
  await shoot('enlarged-dark');
  await browser.page.getByLabel('Show all').click();
});

test('says which twin the pointer is over, and how it fares', async () => {
  const box = await find('fleet-map').boundingBox();
  if (box === null) throw new Error('there is no map');
  await browser.page.mouse.move(box.x + box.width / 2 + 3, box.y + box.height / 2 + 3);
  await until('the name', async () => /^cell_\d{4} calm$/.test((await find('fleet-tip').textContent()) ?? ''));
  await browser.page.mouse.move(0, 0);
  await until('the name to go', async () => (await find('fleet-tip').count()) === 0);
});

test('shows one health alone, and all again', async () => {
  const pressed = () =>
    Promise.all(
      [0, 1, 2, 3].map(async (level) => (await find(`tally-${level}`).getAttribute('aria-pressed')) === 'true'),
    );
  await find('tally-1').click();
  expect(await pressed()).toEqual([false, true, false, false]);
  await find('tally-2').click();
  expect(await pressed()).toEqual([false, true, true, false]);
  await find('tally-2').click();
  await find('tally-1').click();
  expect(await pressed()).toEqual([true, true, true, true]);
});

test(
  'puts the twin with an alarm first, and counts it',
  async () => {
    await until('the alarm', async () => (await find('tally-1').textContent()) === '1 diverged', FAULT_MS);
    expect(await browser.page.locator('.fleet-row').first().textContent()).toContain('cell_1234');
    await shoot('dead-dark');
  },
  FAULT_MS + 10_000,
);

test('fits a phone', async () => {
  await browser.page.setViewportSize({ width: 390, height: 844 });
  await until('the page to fit', () =>
    browser.page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth),
  );
  await shoot('phone-dark');
});

test('has nothing to complain about', () => {
  // a twin that is not shown yet is answered by 503: that is how it is asked for
  expect(browser.errors.filter((error) => !error.includes('503'))).toEqual([]);
});
