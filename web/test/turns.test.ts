import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { askTurn, giveUpTurn } from '../src/charts/turns';

let now: number;
let frames: (() => void)[];

beforeEach(() => {
  now = 0;
  frames = [];
  vi.stubGlobal('performance', { now: () => now });
  vi.stubGlobal('requestAnimationFrame', (frame: () => void) => frames.push(frame));
});

afterEach(() => {
  vi.unstubAllGlobals();
});

const nextFrame = () => frames.shift()?.();

test('charts that take long are drawn one a frame, and the newest wish of each counts', () => {
  const drawn: string[] = [];
  const slow = (what: string) => () => {
    drawn.push(what);
    now += 20;
  };
  const [first, second] = [{}, {}];
  askTurn(first, slow('first, of before'));
  askTurn(second, slow('second'));
  askTurn(first, slow('first'));

  nextFrame();
  expect(drawn).toEqual(['first']);
  nextFrame();
  expect(drawn).toEqual(['first', 'second']);
  expect(frames).toEqual([]);
});

test('a chart that is gone gives its turn to the next', () => {
  const drawn: string[] = [];
  const [first, second] = [{}, {}];
  askTurn(first, () => drawn.push('first'));
  askTurn(second, () => drawn.push('second'));
  giveUpTurn(first);
  nextFrame();
  expect(drawn).toEqual(['second']);
});
