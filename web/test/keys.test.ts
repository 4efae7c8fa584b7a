import { expect, test } from 'vitest';
import { PAGE_KEYS, pressKey } from '../src/keys';

test('g and a letter go to the page of the letter', () => {
  for (const [key, page] of Object.entries(PAGE_KEYS)) {
    const [nothing, chord] = pressKey(null, 'g', 1000);
    expect(nothing).toBeNull();
    expect(pressKey(chord, key, 1200)).toEqual([{ kind: 'go', page }, null]);
  }
});

test('a letter alone, an unknown one behind g, and one that comes too late do nothing', () => {
  expect(pressKey(null, 'p', 0)).toEqual([null, null]);
  expect(pressKey({ since: 0 }, 'constructor', 100)).toEqual([null, null]);
  expect(pressKey({ since: 0 }, 'p', 5000)).toEqual([null, null]);
});

test('the single keys act at once', () => {
  expect(['/', '?', 'Escape'].map((key) => pressKey(null, key, 0)[0]?.kind)).toEqual(['find', 'help', 'close']);
});
