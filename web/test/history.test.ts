import { expect, test } from 'vitest';
import { missingRecord } from '../src/history';
import { Refusal } from '../src/rest';

test('a server that keeps no record has failed at nothing', () => {
  expect(missingRecord(new Refusal(404, 'this plant keeps no history', null))).toEqual({ kind: 'none' });
  expect(missingRecord(new Refusal(503, 'the disk is full', null))).toEqual({
    kind: 'failed',
    why: 'the disk is full',
  });
});
