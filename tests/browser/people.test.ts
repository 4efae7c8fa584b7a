/** Who may do what: the dashboard of a Pollux that asks people to log in.
 *
 *  One story in its order: nobody, a viewer, an operator, somebody who guesses.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  emulate,
  fitsWidth,
  freePort,
  type Program,
  run,
  serve,
  shotsFolder,
  temporaryFolder,
  until,
  type Visit,
  visit,
} from './kit';

/** The emulated lid opens ten minutes of plant time after the start: that is five seconds. */
const SPEED = 120;
const FAULT_MS = 60_000;

const PASSWORD = 'a horse, a battery, a staple';

const folder = temporaryFolder();
const shots = shotsFolder();
const programs: Program[] = [];
const changes: { path: string; csrf: string | undefined }[] = [];
let browser: Visit;

beforeAll(async () => {
  const port = await freePort();
  const access = join(folder, 'access.json');
  const token = join(folder, 'token');
  run(['user', 'add', 'vera', '--role', 'viewer', '--access', access], `${PASSWORD}\n`);
  run(['user', 'add', 'otto', '--role', 'operator', '--access', access], `${PASSWORD}\n`);
  const told = run(['token', 'create', 'rig', '--provide', '*', '--actuate', '*', '--access', access]);
  writeFileSync(token, told.match(/plx_\S+/)?.[0] ?? '');

  programs.push(await serve(port, folder, SPEED, undefined, { access }));
  programs.push(emulate(port, undefined, ['--token-file', token]));
  browser = await visit(`http://localhost:${port}/#/alarms`, async (page) => {
    page.on('request', (request) => {
      if (request.method() === 'GET') return;
      changes.push({ path: new URL(request.url()).pathname, csrf: request.headers()['x-pollux-csrf'] });
    });
  });
});

afterAll(async () => {
  await browser?.close();
  for (const program of programs.reverse()) await program.stop();
  rmSync(folder, { recursive: true, force: true });
});

const find = (testid: string) => browser.page.getByTestId(testid);
const address = () => new URL(browser.page.url()).hash;
const shoot = (name: string) => browser.page.screenshot({ path: join(shots, `people-${name}.png`) });

async function logIn(user: string, password: string): Promise<void> {
  await browser.page.getByLabel('User').fill(user);
  await browser.page.getByLabel('Password').fill(password);
  await browser.page.keyboard.press('Enter');
}

test('asks who is there before it shows anything, and says when the password is wrong', async () => {
  await browser.page.getByRole('heading', { name: 'Log in to Pollux' }).waitFor();
  expect(await find('plant').count()).toBe(0);
  await shoot('login-dark');
  await logIn('vera', 'a guess');
  await until(
    'the answer',
    async () => (await find('login-answer').textContent()) === 'no user has this name and password',
  );
});

test('lets the right one in, to where they wanted to go, and says who they are', async () => {
  await logIn('vera', PASSWORD);
  await find('alarms-page').waitFor();
  expect(address()).toBe('#/alarms');
  expect(await find('user').textContent()).toBe('vera');
  await until('the plant', async () => (await find('connection').getAttribute('data-state')) === 'live');
});

test(
  'shows a viewer what they may not do, disabled and with the reason',
  async () => {
    const acknowledge = browser.page.locator('[data-testid^="ack-"]').first();
    await until('an alarm', async () => (await acknowledge.count()) > 0, FAULT_MS);
    expect(await acknowledge.isDisabled()).toBe(true);
    expect(await acknowledge.getAttribute('title')).toBe('vera is viewer: this needs the role operator.');
    await browser.page.locator('.alarm-link').first().click();
    for (const deed of ['acknowledge', 'comment', 'shelve']) {
      expect(await find(`do-${deed}`).isDisabled()).toBe(true);
    }
    expect(await find('do-suppress').getAttribute('title')).toBe('vera is viewer: this needs the role engineer.');
    await shoot('viewer-dark');

    await browser.page.goto(browser.page.url().replace(/#.*/, '#/audit'));
    expect(await find('page-refused').textContent()).toContain('this needs the role engineer');
  },
  FAULT_MS + 10_000,
);

test('lets an operator acknowledge, under the name that they logged in by', async () => {
  await find('logout').click();
  await browser.page.getByRole('heading', { name: 'Log in to Pollux' }).waitFor();
  await logIn('otto', PASSWORD);
  await find('user').waitFor();
  await browser.page.keyboard.press('g');
  await browser.page.keyboard.press('a');
  const acknowledge = browser.page.locator('[data-testid^="ack-"]').first();
  const id = (await acknowledge.getAttribute('data-testid'))?.replace('ack-', '');
  await acknowledge.click();
  await until('the acknowledgement', async () => (await find(`ack-${id}`).count()) === 0);
});

test('sends with every change what proves that it comes from this page', () => {
  expect(changes.map(({ path }) => path)).toContain('/api/v1/logout');
  for (const { path, csrf } of changes) {
    if (path !== '/api/v1/login') expect(csrf).toMatch(/\S{16}/);
  }
});

test('goes back to the login when the server no longer knows the session, and from there to the same place', async () => {
  await browser.page.goto(browser.page.url().replace(/#.*/, '#/connections'));
  await find('connections').waitFor();
  await browser.context.clearCookies();
  await browser.page.reload();
  await browser.page.getByRole('heading', { name: 'Log in to Pollux' }).waitFor();
  await logIn('otto', PASSWORD);
  await find('connections').waitFor();
  expect(address()).toBe('#/connections');
});

test('says that the session has ended, and leads back to the login wherever one goes', async () => {
  // the page that is open notices, as it asks for its devices now and then
  await browser.context.clearCookies();
  await until(
    'the reason',
    async () => (await find('login-answer').textContent()) === 'Your session has ended. Log in to go on.',
  );
  await browser.page.goto(browser.page.url().replace(/#.*/, '#/connections'));
  await until('the login', async () => address() === '#/login?back=%23%2Fconnections');
  await logIn('otto', PASSWORD);
  await find('connections').waitFor();
  expect(address()).toBe('#/connections');
});

test('tells who guesses how long to wait, and counts down', async () => {
  await find('logout').click();
  const submit = browser.page.getByRole('button', { name: 'Log in' });
  await browser.page.setViewportSize({ width: 390, height: 844 });
  for (let guess = 0; guess < 8 && (await submit.isEnabled()); guess++) {
    await logIn('otto', `guess ${guess}`);
    await until('an answer', async () => (await browser.page.getByText('Logging in …').count()) === 0);
  }
  const answer = find('login-answer');
  expect(await answer.textContent()).toMatch(/^Too many attempts\. Try again in \d+ s\.$/);
  expect(await submit.isDisabled()).toBe(true);
  expect(await fitsWidth(browser.page)).toBe(true);
  await shoot('throttled-dark');
  const before = await answer.textContent();
  await until('the time to pass', async () => (await answer.textContent()) !== before);
});

test('has nothing to complain about but what was refused', () => {
  expect(browser.errors.filter((error) => !/40[139]|429|WebSocket/.test(error))).toEqual([]);
});
