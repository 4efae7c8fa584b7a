/** A wish that the gate refuses: the What if page says why, in the gate's own words. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { emulate, freePort, type Program, serve, temporaryFolder, until, type Visit, visit } from './kit';

/** The model knows no bounds of the valve, the actuator does: a forecast may open it farther than the gate lets anybody. */
const MODEL = `return model "cistern" {
  inputs = { valve = { 0.2, "1" } },
  states = { level = { 1, "m", noise = 1e-3, sd = 0.05 } },
  equations = function(t) t.level.rate = (t.valve - 0.2 * t.level / quantity(1, "m")) * quantity(1e-3, "m/s") end,
  sensors = { gauge = { of = "level", noise = 0.01, unit = "m", every = 1 } },
  actuators = { valve_order = { 0.2, "1", min = 0, max = 0.5 } },
}`;
const plantOf = (gate: string): string =>
  `return plant "garden" { step = 0.5, clock = "provider", assets = { cistern = { "cistern" } }, gate = { ${gate} } }`;
const PLANT = plantOf('fail_safe = { ["cistern.valve_order"] = 0 }');
const BEYOND = 0.8;

const folder = temporaryFolder();
const programs: Program[] = [];
let address: string;
let plant: string;
let browser: Visit;

beforeAll(async () => {
  const port = await freePort();
  plant = join(folder, 'garden.lua');
  mkdirSync(join(folder, 'models'));
  writeFileSync(join(folder, 'models', 'cistern.lua'), MODEL);
  writeFileSync(plant, PLANT);
  programs.push(await serve(port, folder, 10, plant), emulate(port, plant));
  address = `http://localhost:${port}`;
  browser = await visit(`${address}/#/whatif`);
});

afterAll(async () => {
  await browser?.close();
  for (const program of programs.reverse()) await program.stop();
  rmSync(folder, { recursive: true, force: true });
});

const find = (testid: string) => browser.page.getByTestId(testid);

/** What the gate says to the same wish from elsewhere. */
async function reasonOfGate(): Promise<string> {
  const response = await fetch(`${address}/api/v1/commands`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ tag: 'cistern.valve_order', value: BEYOND, reason: 'a test' }),
  });
  expect(response.status).toBe(409);
  return ((await response.json()) as { detail: string }).detail;
}

test('says why a command was refused, as the gate says it', async () => {
  await find('pick-change-0').fill('cistern.valve');
  await browser.page.getByLabel('cistern.valve, by number').fill(String(BEYOND));
  await find('run').click();
  await find(`apply-cistern.valve_order-${BEYOND}`).click();
  const answer = find('answer-cistern.valve_order');
  await until('the refusal', async () => (await answer.getAttribute('data-state')) === 'refused');
  expect(await answer.textContent()).toMatch(/0\.8 is above its maximum 0\.5/);
  expect(await answer.textContent()).toBe(`refused: ${await reasonOfGate()}`);
});

test('leaves the refused command among those of the plant, with the same reason', async () => {
  await find('nav-twin').click();
  const refused = browser.page.locator('.command[data-state="refused"]').first();
  await until('the command', async () => /above its maximum/.test((await refused.textContent()) ?? ''));
  expect(browser.errors.filter((error) => !error.includes('409'))).toEqual([]);
});

test('tries a command, which hands nothing over', async () => {
  await find('nav-whatif').click();
  await find(`try-cistern.valve_order-${BEYOND}`).click();
  const answer = find('answer-cistern.valve_order');
  await until('the answer', async () => /dry run/.test((await answer.textContent()) ?? ''));
  expect(await answer.textContent()).toMatch(/dry run: cistern\.valve_order: 0\.8 is above its maximum/);
});

test('an actuator is taken into manual, and the What if page says so', async () => {
  await find('nav-twin').click();
  const mode = find('mode-cistern.valve_order');
  await mode.selectOption('manual');
  await until('the gate to say so', async () => (await mode.inputValue()) === 'manual');
  await find('nav-whatif').click();
  expect(await find('standing-cistern.valve_order').textContent()).toBe('manual: on the dashboard');
});

test('the fail-safe value is asked for twice, told everywhere, and released by people', async () => {
  await find('nav-twin').click();
  await find('fail-safe-valve_order').click();
  await find('confirm-fail-safe').getByRole('textbox').fill('fire drill');
  await find('do-fail-safe').click();
  await until('the banner', async () => await find('held-banner').isVisible());
  expect(await find('held-banner').textContent()).toContain('cistern.valve_order');
  expect(await find('actuator-valve_order').textContent()).toMatch(/held at its fail-safe value since .*: fire drill/);
  await find('nav-alarms').click();
  expect(await find('held-banner').isVisible()).toBe(true);

  await find('nav-twin').click();
  await find('release-valve_order').click();
  await until('the banner to go', async () => !(await find('held-banner').isVisible()));
});

test('a dry run of the plant is told on every page', async () => {
  writeFileSync(plant, plantOf('dry_run = true'));
  expect((await fetch(`${address}/api/v1/reload`, { method: 'POST' })).status).toBe(200);
  await until('the banner', async () => await find('dry-run-banner').isVisible());
  await find('nav-plant').click();
  expect(await find('dry-run-banner').textContent()).toContain('none is handed over');
});
