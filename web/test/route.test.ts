import { describe, expect, test } from 'vitest';
import { hashOf, readRoute } from '../src/route';

describe('an address', () => {
  test('names page, item and query, and is read as it was written', () => {
    const hash = hashOf('twin', 'tank 1/a?b', { at: '1611326940.5' });
    const { page, item, query } = readRoute(hash);
    expect([page, item, query.get('at')]).toEqual(['twin', 'tank 1/a?b', '1611326940.5']);
  });

  test('of nowhere shows the plant, whatever it names', () => {
    for (const hash of ['', '#', '#/', '#/nowhere/x', '#twin=box', '#/__proto__']) {
      expect(readRoute(hash)).toMatchObject({ page: 'plant', item: null });
    }
  });

  test('that was cut short in an escape is taken as it stands', () => {
    expect(readRoute('#/twin/tank%2').item).toBe('tank%2');
  });
});
