/** Takes the picture of the README: `npm run picture` in web/. An emulated plant, so that nothing in it was recorded. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, test } from 'vitest';
import { emulate, freePort, type Program, serve, temporaryFolder, until, type Visit, visit } from './kit';

/** Slow enough that no innovation falls between two frames; the lid opens after half a minute. */
const SPEED = 20;
const FAULT_MS = 120_000;

/** From the alarm until the twin has found its new parameter, and the lid is still open. */
const OPEN_MS = 3_000;

const folder = temporaryFolder();
const programs: Program[] = [];
let browser: Visit;

beforeAll(async () => {
  const port = await freePort();
  programs.push(await serve(port, folder, SPEED), emulate(port));
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
    const alarm = page.locator('.alarm[data-state="raised"]');
    await until('an alarm', async () => (await alarm.count()) > 0, FAULT_MS);
    await page.waitForTimeout(OPEN_MS);
    await page.screenshot({ path: process.env.POLLUX_PICTURE ?? 'dashboard.png' });
  },
  FAULT_MS + 30_000,
);
