/** The drawing of a plant of many twins, against a real Pollux: the waterworks of the demo. */
import { rmSync } from 'node:fs';
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

/** The filter clogs after 40 minutes of plant time: that is eight seconds. */
const SPEED = 300;
const FAULT_MS = 120_000;

const folder = temporaryFolder();
const shots = shotsFolder();
const programs: Program[] = [];
let browser: Visit;

beforeAll(async () => {
  const port = await freePort();
  programs.push(await serve(port, folder, SPEED, WATERWORKS), emulate(port, WATERWORKS));
  browser = await visit(`http://localhost:${port}/`);
  await find('plant-time').waitFor();
});

afterAll(async () => {
  await browser?.close();
  for (const program of programs.reverse()) await program.stop();
  rmSync(folder, { recursive: true, force: true });
});

const find = (testid: string) => browser.page.getByTestId(testid);
const boxOf = async (testid: string) => {
  const box = await find(testid).boundingBox();
  if (box === null) throw new Error(`${testid} has no place`);
  return box;
};
const shoot = (name: string) => browser.page.screenshot({ path: join(shots, `waterworks-${name}.png`) });

test('draws every twin in its place, with a value, and the lines between them', async () => {
  expect(await browser.page.locator('.twin-box').count()).toBe(14);
  const [well, filter, reservoir] = [
    await boxOf('twin-well_a'),
    await boxOf('twin-filter_b'),
    await boxOf('twin-clear'),
  ];
  expect(well.x).toBeLessThan(filter.x);
  expect(filter.x).toBeLessThan(reservoir.x);
  expect(well.y).toBeLessThan(reservoir.y);
  expect(reservoir.y).toBeLessThan(filter.y);
  expect(await browser.page.locator('.pipe').count()).toBe(14);
  await until('a level', async () =>
    /^2\.\d+\s+m$/.test((await find('twin-clear').locator('.twin-main').textContent()) ?? ''),
  );
  await shoot('calm-dark');
});

test('shows how full the tower is, and which way the water flows', async () => {
  const fill = find('twin-tower').locator('.symbol-fill');
  await until('the level', async () => Number(await fill.getAttribute('data-part')) > 0.4);
  expect(Number(await fill.getAttribute('data-part'))).toBeLessThan(1);
  await until('the flow', async () => (await find('pipe-well_a-basin_a').getAttribute('data-flow')) === 'on');
  // the spare pump stands still
  expect(await find('pipe-clear-lift_2').getAttribute('data-flow')).toBe('still');
});

test('comes closer by wheel, goes along with the mouse, and shows all again', async () => {
  const [whole, stage] = [await boxOf('twin-clear'), await boxOf('stage')];
  const middle = { x: stage.x + stage.width / 2, y: stage.y + stage.height * 0.9 };
  await browser.page.mouse.move(middle.x, middle.y);
  await browser.page.mouse.wheel(0, -300);
  await until('the wheel', async () => (await boxOf('twin-clear')).width > whole.width * 1.3);

  const before = await boxOf('twin-clear');
  await browser.page.mouse.down();
  await browser.page.mouse.move(middle.x - 60, middle.y, { steps: 4 });
  await browser.page.mouse.up();
  expect((await boxOf('twin-clear')).x).toBeCloseTo(before.x - 60, 0);

  await find('stage').focus();
  await browser.page.keyboard.press('0');
  expect((await boxOf('twin-clear')).width).toBeCloseTo(whole.width, 0);
});

test('flies to the twin that is searched for', async () => {
  const [whole, stage] = [await boxOf('twin-village'), await boxOf('stage')];
  await find('plant-search').fill('vill');
  expect(await find('twin-village').getAttribute('data-found')).toBe('true');
  await browser.page.keyboard.press('Enter');
  await until('the flight', async () => (await boxOf('twin-village')).width > whole.width * 1.1);
  const found = await boxOf('twin-village');
  expect(found.x + found.width).toBeLessThanOrEqual(stage.x + stage.width + 1);
  await find('plant-search').fill('');
  await browser.page.getByLabel('Show all').click();
});

test('tells of the twin that is clicked, and opens its page; back is the plant again', async () => {
  await find('twin-tower').click();
  await find('value-tower.level').waitFor();
  expect(await find('twin-tower').getAttribute('aria-pressed')).toBe('true');
  await find('open-twin').click();
  await find('chart-tower.level').waitFor();
  expect(browser.page.url()).toMatch(/#\/twin\/tower$/);
  await browser.page.goBack();
  await find('twin-tower').waitFor();
});

test(
  'marks the twin that has parted, and says so in its box',
  async () => {
    const filter = find('twin-filter_a');
    await until('the clogging', async () => (await filter.getAttribute('data-wrong')) === 'true', FAULT_MS);
    expect(await filter.locator('.twin-trouble').textContent()).not.toBe('');
    expect(await find('twin-main').getAttribute('data-wrong')).toBe('false');
    await filter.click();
    await shoot('clogged-dark');
  },
  FAULT_MS + 10_000,
);

test('fits a phone, from top to bottom', async () => {
  await browser.page.setViewportSize({ width: 390, height: 844 });
  await until('the page to fit', () =>
    browser.page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth),
  );
  const [well, hamlet] = [await boxOf('twin-well_a'), await boxOf('twin-hamlet')];
  expect(hamlet.y).toBeGreaterThan(well.y);
  await shoot('phone-dark');
  await browser.page.setViewportSize({ width: 1280, height: 800 });
});

test('has nothing to complain about', () => {
  expect(browser.errors).toEqual([]);
});
