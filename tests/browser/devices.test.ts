/** A device that nobody knows: an engineer lets it come, claims it, tells it how it is to be set, and sends it away. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  emulate,
  fitsWidth,
  freePort,
  type Program,
  run,
  serve,
  temporaryFolder,
  until,
  type Visit,
  visit,
} from './kit';

const MODEL = `return model "cistern" {
  states = { level = { 1, "m", noise = 1e-3, sd = 0.05 } },
  equations = function(t) t.level.rate = quantity(0, "m/s") end,
  sensors = { gauge = { of = "level", noise = 0.01, unit = "m", every = 1 }, probe = { of = "level", noise = 0.01, unit = "m", every = 1 } },
}`;
/** What the device calls its tags is not what the plant does. */
const plantWith = (asset: string) =>
  `return plant "garden" { step = 0.5, clock = "utc", assets = { ${asset} = { "cistern" } } }`;
const PASSWORD = 'a horse, a battery, a staple';

const folder = temporaryFolder();
const programs: Program[] = [];
let browser: Visit;
let port: number;

beforeAll(async () => {
  port = await freePort();
  const access = join(folder, 'access.json');
  mkdirSync(join(folder, 'models'));
  writeFileSync(join(folder, 'models', 'cistern.lua'), MODEL);
  writeFileSync(join(folder, 'garden.lua'), plantWith('cistern'));
  writeFileSync(join(folder, 'rig.lua'), plantWith('rig'));
  run(['user', 'add', 'erna', '--role', 'engineer', '--access', access], `${PASSWORD}\n`);
  programs.push(await serve(port, folder, 1, join(folder, 'garden.lua'), { access }));
  browser = await visit(`http://localhost:${port}/#/connections`);
  await browser.page.getByLabel('User').fill('erna');
  await browser.page.getByLabel('Password').fill(PASSWORD);
  await browser.page.keyboard.press('Enter');
});

afterAll(async () => {
  await browser?.close();
  for (const program of programs.reverse()) await program.stop();
  rmSync(folder, { recursive: true, force: true });
});

const find = (testid: string) => browser.page.getByTestId(testid);
const stateOf = (name: string) => find(`known-${name}`).getAttribute('data-state');

test('lets a device come that nobody knows, and shows what it offers', async () => {
  await find('pair').click();
  await until('pairing', async () => (await find('pair').textContent()) === 'Stop pairing');
  programs.push(emulate(port, join(folder, 'rig.lua'), ['--name', 'rig-1']));
  await until('the device', async () => (await find('known-rig-1').count()) === 1);
  expect(await stateOf('rig-1')).toBe('unclaimed');
  await find('known-rig-1').getByRole('button').first().click();
  await find('offer-rig.gauge').waitFor();
});

test('claims it by the tags that fit, and shows its token once', async () => {
  const choice = find('choice-rig.gauge');
  await until('tags that fit', async () => (await choice.locator('option').count()) === 3);
  expect(await choice.locator('option').allTextContents()).toEqual(['nothing', 'cistern.gauge', 'cistern.probe']);
  await choice.selectOption('cistern.gauge');
  await find('claim').click();
  await until('the claim', async () => (await stateOf('rig-1')) === 'claimed');
  expect(await find('device-token').textContent()).toMatch(/^plx_\S+$/);
  await until('samples of it', async () =>
    /^[1-9]/.test((await find('device-rig-1').locator('.number').first().textContent()) ?? ''),
  );
});

test('tells it how it is to be set, and hears that it is so', async () => {
  await find('desired').fill('{"period": 2}');
  await find('desire').click();
  await until('the device to obey', async () => {
    await browser.page.waitForTimeout(200);
    return /"period": 2/.test((await find('reported').textContent()) ?? '');
  });
  await find('desired').fill('{"period": ');
  expect(await find('desire').isDisabled()).toBe(true);
});

test('binds it otherwise, and sends it away', async () => {
  await find('choice-rig.gauge').selectOption('cistern.probe');
  await find('bind').click();
  await until(
    'the other binding',
    async () => (await find('choice-rig.gauge').inputValue()) === 'cistern.probe' && (await find('bind').isDisabled()),
  );
  await find('disable').click();
  await until('the end', async () => (await stateOf('rig-1')) === 'disabled');
  await until('that it is away', async () => /away/.test((await find('known-rig-1').textContent()) ?? ''));
  expect(await fitsWidth(browser.page)).toBe(true);
  await find('forget').click();
  await until('that it is forgotten', async () => (await find('known-rig-1').count()) === 0);
  expect(browser.errors.filter((error) => !/401/.test(error))).toEqual([]);
});
