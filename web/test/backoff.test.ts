import { expect, test } from 'vitest';
import { backoffMs } from '../src/backoff';

test('waits double until the cap', () => {
  const longest = [0, 1, 2, 3, 4, 5, 50].map((failures) => backoffMs(failures, 1));
  expect(longest).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
});

test('waits are spread over the upper half, so that pages do not come back together', () => {
  expect(backoffMs(3, 0)).toBe(2000);
  expect(backoffMs(3, 0.5)).toBe(3000);
});
