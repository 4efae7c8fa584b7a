import { describe, expect, test } from 'vitest';
import { ProtocolError } from '../src/decode';
import { readAlarms, readFrame, readHistory, readNewest } from '../src/protocol';
import { alarm, NOW, NOW_NS, snapshot, tick } from './kit';

const read = (message: unknown) => readFrame(JSON.stringify(message));

describe('a frame', () => {
  test('of a tick carries times in seconds, and readings of both kinds', () => {
    const frame = read(
      tick({
        values: { 'box.T_air': [25.02, 0.04], 'box.t2': [25, null, NOW_NS, 'good'], 'box.T_bed': [null, null] },
        twins: {
          box: { verdict: 'none', cause: '', nis: 11.2, nis_limit: 38.9, quality: 'good', sensors: {} },
        },
        alarms: [alarm()],
      }),
    );

    if (frame.topic !== 'tick') throw new Error('expected a tick');
    expect(frame.value.time).toBe(NOW);
    expect(frame.value.values.get('box.T_air')).toEqual({ value: 25.02, sd: 0.04, time: null, quality: null });
    expect(frame.value.values.get('box.t2')).toEqual({ value: 25, sd: null, time: NOW, quality: 'good' });
    expect(frame.value.values.get('box.T_bed')?.value).toBeNaN();
    expect(frame.value.twins.get('box')?.nisLimit).toBe(38.9);
    expect(frame.value.alarms[0]?.raised).toBe(NOW);
  });

  test('of a tick may leave out what has not changed', () => {
    const frame = read({ topic: 'tick', value: { time: null } });
    expect(frame).toMatchObject({ topic: 'tick', value: { time: null, alarms: [], connections: null } });
  });

  test('tells connectors of the plant from devices by what only they say', () => {
    const device = { name: 'rig', peer: '127.0.0.1:5', connected: true, samples: 3 };
    const connector = { ...device, name: 'line', kind: 'mqtt', attempts: 2, stale: 1, since: null, fault: 'refused' };
    expect(read({ topic: 'tick', value: { time: null, connections: [device, connector] } })).toMatchObject({
      value: {
        connections: [
          { name: 'rig', kind: 'websocket', way: null },
          { name: 'line', kind: 'mqtt', way: { attempts: 2, stale: 1, commands: 0, fault: 'refused' } },
        ],
      },
    });
  });

  test('with a status is an answer, and a refusal says why', () => {
    expect(read({ topic: 'acknowledge', headers: { id: 2, status: 200 } })).toEqual({
      topic: 'answer',
      value: { to: 'acknowledge', id: 2, status: 200, detail: '' },
    });
    const refusal = { title: 'Forbidden', status: 403, detail: 'viewers may not' };
    expect(read({ topic: 'acknowledge', headers: { id: 2, status: 403 }, value: refusal })).toMatchObject({
      value: { status: 403, detail: 'viewers may not' },
    });
    expect(read({ topic: 'subscribe', headers: { status: 500 } })).toMatchObject({ value: { detail: 'status 500' } });
  });

  test('of a topic that is not known is passed over', () => {
    expect(read({ topic: 'weather', value: 3 })).toEqual({ topic: 'other', value: 'weather' });
  });

  test.each([
    ['no JSON', '{', 'not JSON'],
    ['no object', '[]', 'expected an object'],
    ['no topic', '{}', '/topic: expected a text'],
    ['a snapshot of nothing', '{"topic":"snapshot"}', 'expected an object'],
    ['a tick whose values are a list', '{"topic":"tick","value":{"values":[1]}}', '/values: expected an object'],
    ['a reading that is no list', '{"topic":"tick","value":{"values":{"a.b":3}}}', '/a.b: expected a list'],
    ['a reading that is a text', '{"topic":"tick","value":{"values":{"a.b":["3"]}}}', '/a.b/0: expected a number'],
    ['a number beyond all', '{"topic":"tick","value":{"time":1e999}}', '/time: expected a number'],
    ['a status that is a text', '{"topic":"x","headers":{"status":"200"}}', '/headers/status: expected a number'],
  ])('that is %s is refused with its place', (_, text, where) => {
    expect(() => readFrame(text)).toThrow(ProtocolError);
    expect(() => readFrame(text)).toThrow(where);
  });

  test('names the word that it does not know', () => {
    const strange = snapshot({ alarms: [alarm({ severity: 'dire' })] });
    expect(() => read(strange)).toThrow('/alarms/0/severity: expected one of info, warning, major, critical');
  });

  test('may hold hostile names, which stay what they are', () => {
    const frame = readFrame(
      '{"topic":"tick","value":{"values":{"__proto__":[1],"constructor":[2],"<img src=x>":[3]}}}',
    );
    if (frame.topic !== 'tick') throw new Error('expected a tick');
    expect([...frame.value.values.keys()]).toEqual(['__proto__', 'constructor', '<img src=x>']);
    expect(() => readFrame('{"__proto__":{"topic":"tick"}}')).toThrow('/topic');
  });
});

describe('an answer to GET', () => {
  test('with history keeps what its columns share', () => {
    const history = readHistory(
      JSON.stringify({
        series: {
          'a.b': { time: [NOW_NS, NOW_NS], value: [1], sd: [null] },
          'a.c': {
            time: [NOW_NS],
            value: [2],
            sd: [0.5],
          },
        },
      }),
    );
    expect(history.get('a.b')).toEqual({ time: [NOW], value: [1], sd: [Number.NaN], min: [], max: [] });
    expect(history.get('a.c')).toEqual({ time: [NOW], value: [2], sd: [0.5], min: [], max: [] });
  });

  test('has the least and the greatest of what is rolled up, and no others', () => {
    const columns = { time: [NOW_NS], value: [2], sd: [null], min: [1], max: [3], count: [9] };
    const history = readHistory(
      JSON.stringify({ series: { 'a.b': { ...columns, level: '1m' }, 'a.c': { ...columns, level: 'raw' } } }),
    );
    expect([history.get('a.b')?.min, history.get('a.b')?.max]).toEqual([[1], [3]]);
    expect(history.get('a.c')?.min).toEqual([]);
  });

  test('with alarms or newest values is checked like a frame', () => {
    expect(readAlarms(JSON.stringify([alarm()]))).toHaveLength(1);
    expect(() => readAlarms('{"alarms":3}')).toThrow(ProtocolError);
    expect(readNewest('{"time":null,"values":{"a.b":[1,0.5]}}').values.get('a.b')?.sd).toBe(0.5);
    expect(() => readNewest('<html>')).toThrow('not JSON');
  });
});
