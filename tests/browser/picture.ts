/** Takes the picture of the README: `npm run picture` in web/. An emulated plant, so that nothing in it was recorded. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, test } from 'vitest';
import { emulate, freePort, type Program, serve, temporaryFolder, until, type Visit, visit, WATERWORKS } from './kit';

/** A minute a second, as in the demo: a main bursts in the hamlet after 140 s. */
const SPEED = 60;
const FAULT_MS = 240_000;

/** From the alarm until the handler has answered it, and the leak is found. */
const OPEN_MS = 8_000;

const folder = temporaryFolder();
const programs: Program[] = [];
let browser: Visit;

beforeAll(async () => {
  const port = await freePort();
  programs.push(await serve(port, folder, SPEED, WATERWORKS), emulate(port, WATERWORKS));
  browser = await visit(`http://localhost:${port}/`);
});

afterAll(async () => {
  await browser?.close();
  for (const program of programs.reverse()) await program.stop();
  rmSync(folder, { recursive: true, force: true });
});

test(
  'takes a picture while an alarm is active',
  async () => {
    const { page } = browser;
    const hamlet = page.getByTestId('twin-hamlet');
    await hamlet.click();
    await until('the burst', async () => (await hamlet.getAttribute('data-wrong')) === 'true', FAULT_MS);
    await page.mouse.move(0, 0);
    await page.waitForTimeout(OPEN_MS);
    await page.screenshot({ path: process.env.POLLUX_PICTURE ?? 'dashboard.png' });
  },
  FAULT_MS + 30_000,
);
