/** InfluxData's own client, which knows nothing of Pollux, writes to it as it would to InfluxDB 2. */
import { HttpError, InfluxDB, Point } from '@influxdata/influxdb-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../browser/programs';
import { type Pollux, readJson, startPushed } from './pollux';

let pollux: Pollux & { token: string; other: string };

beforeAll(async () => {
  pollux = await startPushed(true);
});
afterAll(async () => {
  await pollux?.stop();
});

/** What it says when these points were refused, null when all are stored. It compresses all it sends. */
async function write(token: string, bucket: string, points: Point[]): Promise<Error | null> {
  let failed: Error | null = null;
  const api = new InfluxDB({ url: pollux.origin, token }).getWriteApi('works', bucket, 'ms', {
    maxRetries: 0,
    gzipThreshold: 0,
    writeFailed: (error) => {
      failed = error;
      return Promise.resolve();
    },
  });
  api.writePoints(points);
  await api.close();
  return failed;
}

/** Ten points of one second, the newest last. */
function levels(level: number): Point[] {
  const now = Date.now();
  return [9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((i) =>
    new Point('tank')
      .tag('id', '1')
      .tag('site', 'north field')
      .floatField('level', level)
      .stringField('note', 'as it, was')
      .timestamp(now - 100 * i),
  );
}

const leaf = (path: string) =>
  readJson<{ value: number }>(`${pollux.origin}/api/v1/twins/${path}`, { authorization: `Bearer ${pollux.token}` });

test('what it writes with its token is the newest value of the tag', async () => {
  expect(await write(pollux.token, 'web', levels(71.25))).toBeNull();
  await until('the level', async () => Math.abs((await leaf('tank1/gauge')).value - 71.25) < 1e-9);
});

test('its samples of a tag that the token may not provide are refused, and it says why', async () => {
  await expect(push(pollux.other)).resolves.toMatchObject({ status: 403, problem: { code: 'forbidden' } });
  await expect(push('plx_wrong')).resolves.toMatchObject({ status: 401, problem: { code: 'unauthorized' } });
});

async function push(token: string) {
  const response = await fetch(`${pollux.origin}/api/v2/write?bucket=web`, {
    method: 'POST',
    headers: { authorization: `Token ${token}` },
    body: 'tank,id=1 level=3',
  });
  return { status: response.status, problem: await response.json() };
}

test('the client understands a refusal', async () => {
  const failed = await write(pollux.token, 'elsewhere', levels(3));
  expect(failed).toBeInstanceOf(HttpError);
  expect((failed as HttpError).statusCode).toBe(404);
  expect(failed?.message).toContain('takes samples here; there is: web');
});
