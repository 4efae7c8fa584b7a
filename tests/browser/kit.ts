/** What the browser tests stand on: a Pollux with its emulated plant, and a browser with nothing in it.
 *
 *  The environment may say which ones, see programs.ts, and POLLUX_SHOTS where screenshots go (a temporary folder by default).
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { ROOT, temporaryFolder } from './programs';

export * from './programs';

/** The plant of the demo, for what needs more than one twin. */
export const WATERWORKS = join(ROOT, 'twins/plants/waterworks.lua');
/** What plants are made of. */
export const MODELS = join(ROOT, 'twins/models');

const CHROMIUM_ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export function shotsFolder(): string {
  const folder = process.env.POLLUX_SHOTS ?? temporaryFolder();
  mkdirSync(folder, { recursive: true });
  return folder;
}

export interface Visit {
  context: BrowserContext;
  page: Page;
  /** Errors in the console and exceptions of the page. */
  errors: string[];
  /** Hosts that the page asked for anything. */
  hosts: Set<string>;
  close(): Promise<void>;
}

/** A browser that remembers nothing, with one page; `prepare` may change what the page will meet. */
export async function visit(url: string, prepare?: (page: Page) => Promise<void>): Promise<Visit> {
  const profile = temporaryFolder();
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: CHROMIUM_ARGUMENTS,
    viewport: { width: 1280, height: 800 },
    colorScheme: 'dark',
  });
  const page = context.pages()[0] ?? (await context.newPage());
  const errors: string[] = [];
  const hosts = new Set<string>();
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('request', (request) => hosts.add(new URL(request.url()).host));
  page.on('websocket', (socket) => hosts.add(new URL(socket.url()).host));
  await prepare?.(page);
  await page.goto(url);

  return {
    context,
    page,
    errors,
    hosts,
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** Click through the themes until `choice` is in force. */
export async function chooseTheme(page: Page, choice: 'system' | 'light' | 'dark'): Promise<void> {
  const button = page.getByTestId('theme');
  while ((await button.getAttribute('data-choice')) !== choice) await button.click();
}

/** Nothing of the page is beyond its right edge. */
export const fitsWidth = (page: Page): Promise<boolean> =>
  page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);

/** How many colours are in the picture of the first chart in what `selector` finds: one that is empty has few. */
export const coloursIn = (page: Page, selector: string): Promise<number> =>
  page
    .locator(`${selector} canvas`)
    .first()
    .evaluate((element) => {
      const canvas = element as HTMLCanvasElement;
      const image = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height);
      return new Set(image === undefined ? [] : new Uint32Array(image.data.buffer)).size;
    });
