import { expect, test } from 'vitest';
import { readMetrics } from '../src/system/metrics';

test('metrics are read by their name with their labels; what is no number is left out', () => {
  const metrics = readMetrics('# HELP x Help.\nx_total 3\ny{a="b c"} 0.5\nz NaN\n\nbroken');
  expect([...metrics]).toEqual([
    ['x_total', 3],
    ['y{a="b c"}', 0.5],
  ]);
});
