/** A connector of the plant on the Connections page: away, there, and with what it brings. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort, type Program, serve, temporaryFolder, until, type Visit, visit } from './kit';

const MODEL = `return model "cistern" {
  states = { level = { 1, "m", noise = 1e-3, sd = 0.05 } },
  equations = function(t) t.level.rate = quantity(0, "m/s") end,
  sensors = { gauge = { of = "level", noise = 0.01, unit = "m", every = 1 } },
}`;
const plantOf = (port: number) => `return plant "garden" {
  step = 0.5,
  assets = { cistern = { "cistern" } },
  connectors = { line = { "mqtt", url = "mqtt://127.0.0.1:${port}" } },
  bind = { ["cistern.gauge"] = { "line", topic = "garden/level", unit = "cm" } },
}`;

/** Where Debian keeps programs of the system, which not everybody has in their PATH. */
const MOSQUITTO = existsSync('/usr/sbin/mosquitto') ? '/usr/sbin/mosquitto' : 'mosquitto';

const folder = temporaryFolder();
let server: Program;
let broker: ChildProcess | null = null;
let brokerPort: number;
let browser: Visit;

beforeAll(async () => {
  const port = await freePort();
  const plant = join(folder, 'garden.lua');
  brokerPort = await freePort();
  mkdirSync(join(folder, 'models'));
  writeFileSync(join(folder, 'models', 'cistern.lua'), MODEL);
  writeFileSync(plant, plantOf(brokerPort));
  server = await serve(port, folder, 1, plant);
  browser = await visit(`http://localhost:${port}/#/connections`);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  broker?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const cells = async (): Promise<string> => (await browser.page.getByTestId('connector-line').textContent()) ?? '';

const publish = (level: string) =>
  execFileSync('mosquitto_pub', ['-h', '127.0.0.1', '-p', String(brokerPort), '-t', 'garden/level', '-m', level]);

test('says why it is away, and counts what comes once it is there', async () => {
  await until('the reason', async () => (await cells()).includes('Connection refused'));
  expect(await cells()).toMatch(/mqtt, 127\.0\.0\.1:\d+.*disconnected/);

  broker = spawn(MOSQUITTO, ['-p', String(brokerPort)], { stdio: 'ignore' });
  await until('the connection', async () => /(?<!dis)connected for/.test(await cells()), 30_000);
  publish('87.5');
  const samples = browser.page.locator('[data-testid=connector-line] [data-name=samples]');
  await until('the sample', async () => (await samples.textContent()) === '1');
  expect(await cells()).not.toContain('refused');
});
