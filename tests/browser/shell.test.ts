/** What is around the pages, against a real Pollux: the ways to them, the keyboard, themes, every width. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findFaint } from './contrast';
import {
  chooseTheme,
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
  WATERWORKS,
} from './kit';

const SPEED = 300;

const PAGES = ['plant', 'twin', 'whatif', 'alarms', 'connections', 'system', 'audit'];

const folder = temporaryFolder();
const shots = shotsFolder();
const programs: Program[] = [];
let address: string;
let browser: Visit;

beforeAll(async () => {
  const port = await freePort();
  address = `http://localhost:${port}/`;
  programs.push(await serve(port, folder, SPEED, WATERWORKS), emulate(port, WATERWORKS));
  browser = await visit(address);
  await find('plant-time').waitFor();
  await until('an alarm', async () => (await find('nav-unseen').count()) > 0, 60_000);
});

afterAll(async () => {
  await browser?.close();
  for (const program of programs.reverse()) await program.stop();
  rmSync(folder, { recursive: true, force: true });
});

const find = (testid: string) => browser.page.getByTestId(testid);
const press = (key: string) => browser.page.keyboard.press(key);
const pageShown = () => browser.page.locator('.nav-link[aria-current="page"]').getAttribute('data-testid');
const shoot = (name: string) => browser.page.screenshot({ path: join(shots, `shell-${name}.png`) });

async function open(page: string): Promise<void> {
  await find(`nav-${page}`).click();
  await until(`the page ${page}`, async () => (await find('page-opening').count()) === 0);
  await browser.page.waitForTimeout(400);
}

describe('the keyboard', () => {
  test('goes to every page, and the browser goes back', async () => {
    for (const [key, page] of Object.entries({
      t: 'twin',
      a: 'alarms',
      c: 'connections',
      s: 'system',
      u: 'audit',
      p: 'plant',
    })) {
      await press('g');
      await press(key);
      await until(page, async () => (await pageShown()) === `nav-${page}`);
    }
    await browser.page.goBack();
    await until('the page before', async () => (await pageShown()) === 'nav-audit');
  });

  test('opens help and takes it away, and the focus is where it was', async () => {
    await find('nav-system').focus();
    await press('?');
    await find('help').waitFor();
    await press('Escape');
    await until('help to go', async () => (await find('help').count()) === 0);
    expect(await browser.page.evaluate(() => document.activeElement?.getAttribute('data-testid'))).toBe('nav-system');
  });

  test('finds a twin by a part of its name', async () => {
    await press('/');
    await find('finder-text').fill('tow');
    await press('Enter');
    await until('the twin', async () => browser.page.url().endsWith('#/twin/tower'));
    await browser.page.locator('[data-testid^="value-tower."]').first().waitFor();
  });

  test('leaves what is typed to the field that it is typed into', async () => {
    await open('alarms');
    await find('alarm-filter').fill('');
    await find('alarm-filter').pressSequentially('gp?/');
    expect(await find('alarm-filter').inputValue()).toBe('gp?/');
    expect(await pageShown()).toBe('nav-alarms');
    await find('alarm-filter').fill('');
  });

  test('shows where the focus is', async () => {
    await open('system');
    await browser.page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    await press('Tab');
    await press('Tab');
    const outline = await browser.page.evaluate(
      () => getComputedStyle(document.activeElement ?? document.body).outlineWidth,
    );
    expect(Number.parseFloat(outline)).toBeGreaterThanOrEqual(2);
  });
});

describe('the theme', () => {
  test('follows the computer until somebody chooses, and the choice is kept', async () => {
    const theme = () => browser.page.locator('html').getAttribute('data-theme');
    expect(await find('theme').getAttribute('data-choice')).toBe('system');
    for (const colorScheme of ['light', 'dark'] as const) {
      await browser.page.emulateMedia({ colorScheme });
      await until(`the ${colorScheme} theme`, async () => (await theme()) === colorScheme);
    }
    await chooseTheme(browser.page, 'light');
    await browser.page.reload();
    await find('plant-time').waitFor();
    expect(await theme()).toBe('light');
  });

  for (const theme of ['light', 'dark'] as const) {
    test(`has texts that can be read in ${theme}, on every page`, async () => {
      await chooseTheme(browser.page, theme);
      for (const page of PAGES) {
        await open(page);
        await shoot(`${page}-${theme}`);
        expect(await findFaint(browser.page), page).toEqual([]);
      }
    });
  }
});

test('fits a phone on every page, with the same ways to them', async () => {
  await browser.page.setViewportSize({ width: 390, height: 844 });
  for (const page of PAGES) {
    await open(page);
    await shoot(`${page}-phone`);
    expect(await fitsWidth(browser.page), page).toBe(true);
  }
  await browser.page.setViewportSize({ width: 1280, height: 800 });
});

test('keeps whether alarms sound', async () => {
  await open('alarms');
  await find('sound').click();
  await browser.page.reload();
  await find('sound').waitFor();
  expect(await find('sound').getAttribute('aria-checked')).toBe('true');
});

test('holds the plant, and lets it go on', async () => {
  await open('system');
  const time = () => find('plant-time').textContent();
  await find('pause').click();
  await until('it to be held', async () => (await find('pause').textContent()) === 'Go on');
  await browser.page.waitForTimeout(1_000);
  const held = await time();
  await browser.page.waitForTimeout(1_000);
  expect(await time()).toBe(held);
  await find('pause').click();
  await until('it to go on', async () => (await time()) !== held);
});

test('shows the plant where an address leads nowhere', async () => {
  await browser.page.goto(`${address}#/nowhere/at/all`);
  await until('the plant', async () => (await pageShown()) === 'nav-plant');
});

test('has asked nobody but its own server, and has nothing to complain about', () => {
  expect([...browser.hosts]).toEqual([new URL(address).host]);
  expect(browser.errors).toEqual([]);
});
