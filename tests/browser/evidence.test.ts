/** One alarm from its reasons to its shelf, against a real Pollux: what it was raised on, the time around it, what people
 *  do about it, and what is written down of that.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  coloursIn,
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

/** A main bursts in the hamlet five minutes after the start, and stays so. */
const FAULT = ['--no-faults', '--fault', 'hamlet.leakage:set:4@300'];
const FAULT_MS = 60_000;

/** What the plant's model allows: an alarm begins there. */
const TAG = 'hamlet.leakage';
const LIMIT = 2;

const folder = temporaryFolder();
const shots = shotsFolder();
const programs: Program[] = [];
let address: string;
let browser: Visit;

interface Told {
  id: number;
  name: string;
  raised: number;
}

let burst: Told;

beforeAll(async () => {
  const port = await freePort();
  address = `http://localhost:${port}`;
  programs.push(await serve(port, folder, SPEED, WATERWORKS), emulate(port, WATERWORKS, FAULT));
  browser = await visit(`${address}/#/alarms`);
  await until('the burst', async () => (await findBurst()) !== undefined, FAULT_MS);
  burst = (await findBurst()) as Told;
});

afterAll(async () => {
  await browser?.close();
  for (const program of programs.reverse()) await program.stop();
  rmSync(folder, { recursive: true, force: true });
});

const find = (testid: string) => browser.page.getByTestId(testid);
const textOf = async (testid: string) => (await find(testid).textContent()) ?? '';
const shoot = (name: string) => browser.page.screenshot({ path: join(shots, `evidence-${name}.png`) });
const row = () => browser.page.locator(`.alarm-link[href="#/alarms/${burst.id}"]`);

async function findBurst(): Promise<Told | undefined> {
  const response = await fetch(`${address}/api/v1/alarms?limit=50&twin=hamlet&times=ns`);
  const alarms = response.ok ? ((await response.json()) as Told[]) : [];
  return alarms.find(({ name }) => name === 'burst');
}

const choose = (which: string) => browser.page.getByRole('radio', { name: which, exact: true }).check({ force: true });

test('shows what an alarm was raised on: the value beyond its limit, and the charts of what has to do with it', async () => {
  await row().click();
  await find('evidence').waitFor();
  const [, then = '', limit = ''] = await find(`evidence-${TAG}`).locator('td').allTextContents();
  expect(Number.parseFloat(then)).toBeGreaterThan(LIMIT);
  expect(limit).toMatch(/^2\.000 m³\/h$/);
  expect(await find('evidence-innovations').locator('tbody tr').count()).toBeGreaterThan(0);

  const plots = find('telling-charts').locator('.plot');
  await plots.first().waitFor();
  const [from, to] = [await plots.first().getAttribute('data-from'), await plots.first().getAttribute('data-to')];
  expect(Number(from)).toBeLessThan(burst.raised / 1e9);
  expect(Number(to)).toBeGreaterThanOrEqual(burst.raised / 1e9);
  await until('the charts', async () => (await coloursIn(browser.page, '[data-testid="telling-charts"]')) > 20);
  await shoot('detail-dark');
});

test('leads to the twin at that time, and says why there are no innovations of then', async () => {
  // nobody has watched before: a page that has just come
  await browser.page.goto(`${address}/#/twin/hamlet?at=${burst.raised / 1e9 - 3600}`);
  await browser.page.reload();
  const note = browser.page.locator('.chart-note');
  await until('the reason', async () => /The record has none/.test((await note.allTextContents()).join()));
  const empty = await coloursIn(browser.page, 'figure.chart-sensed');
  await browser.page.goBack();
  await find('alarm-twin').click();
  const plot = browser.page.locator('figure.chart-sensed .plot').first();
  await plot.waitFor();
  expect(Number(await plot.getAttribute('data-from'))).toBeLessThan(burst.raised / 1e9);
  expect(Number(await plot.getAttribute('data-to'))).toBeGreaterThanOrEqual(burst.raised / 1e9);
  expect(await textOf('piece')).toMatch(/ to .*, 15 min$/);
  // where nothing was before stands what was there then
  await until('the record of then', async () => (await coloursIn(browser.page, 'figure.chart-sensed')) > 2 * empty);
  await shoot('at-dark');

  await find('live').click();
  await until('the moment to leave the address', async () => browser.page.url().endsWith('#/twin/hamlet'));
});

test('says that there is no twin of a name, instead of showing another', async () => {
  await browser.page.goto(`${address}/#/twin/nobody`);
  expect(await find('no-such-twin').textContent()).toContain('There is no twin “nobody”');
  await shoot('nobody-dark');
  await find('twin-choice').selectOption('tower');
  await browser.page.locator('[data-testid^="value-tower."]').first().waitFor();
});

test('writes down what is said of it', async () => {
  await browser.page.goto(`${address}/#/alarms/${burst.id}`);
  await find('deed-comment').fill('valve 7 is being closed');
  await find('do-comment').click();
  await until('the comment', async () =>
    /valve 7 is being closed/.test((await find('comments').allTextContents()).join()),
  );
});

test('shelves it with the reason, out of the way, and takes it back', async () => {
  await find('deed-comment').fill('somebody is digging');
  await find('shelf-time').selectOption({ label: 'for 4 h' });
  await find('do-shelve').click();
  await until('it to go', async () => (await row().count()) === 0);
  await choose('shelved');
  const shelf = find('shelf-hamlet.burst');
  await until('the reason', async () => /somebody is digging.*shelved/.test((await shelf.allTextContents()).join()));
  expect(await shelf.textContent()).toMatch(/for another (3|4) h/);
  await shoot('shelved-dark');

  await shelf.getByRole('button', { name: 'Unshelve' }).click();
  await until('the empty shelf', async () => (await shelf.count()) === 0);
  await choose('active');
  await row().waitFor();
});

test('suppresses it until somebody wants it again', async () => {
  await find('do-suppress').click();
  await until('it to go', async () => (await row().count()) === 0);
  await find('do-unsuppress').click();
  await row().waitFor();
});

test('acknowledges it', async () => {
  await until('it to wait for somebody', async () => find('do-acknowledge').isEnabled());
  await find('do-acknowledge').click();
  await until('the acknowledgement', async () => /acknowledged/.test((await find('alarm-detail').textContent()) ?? ''));
  await until('it to be settled', async () => find('do-acknowledge').isDisabled());
});

test('has all of that in the audit trail, newest first', async () => {
  await find('nav-audit').click();
  const actions = browser.page.locator('td', { hasText: `hamlet.burst #${burst.id}` }).locator('xpath=..');
  await until('the entries', async () => (await actions.count()) >= 6);
  const told = (await actions.allTextContents()).join('\n');
  expect(told).toMatch(
    /acknowledge[^\n]*\n[^\n]*unsuppress[^\n]*\n[^\n]*suppress[^\n]*\n[^\n]*unshelve[^\n]*\n[^\n]*shelve[^\n]*\n[^\n]*comment/,
  );
  await shoot('audit-dark');
});

test('goes on with what others do while the trail is open', async () => {
  const rows = browser.page.getByRole('row', { name: /said by somebody else/ });
  expect(await rows.count()).toBe(0);
  const body = JSON.stringify({ comment: 'said by somebody else' });
  const answer = await fetch(new URL(`/api/v1/alarms/${burst.id}/comment`, address), { method: 'POST', body });
  expect(answer.status).toBe(200);
  await until('the entry', async () => (await rows.count()) === 1);
});

test('has nothing to complain about', () => {
  expect([...browser.hosts]).toEqual([new URL(address).host]);
  expect(browser.errors).toEqual([]);
});
