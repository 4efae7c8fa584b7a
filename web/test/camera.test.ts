import { describe, expect, test } from 'vitest';
import { between, type Camera, centredOn, fittingScale, keptInSight, type Point, zoomed } from '../src/charts/camera';

const VIEW = { width: 400, height: 300 };
const WORLD = { width: 1000, height: 500 };

const onScreen = ({ scale, left, top }: Camera, { x, y }: Point): Point => ({
  x: left + scale * x,
  y: top + scale * y,
});

describe('a camera', () => {
  test('shows all of the world along the tighter side, and a small one no larger than it may', () => {
    expect(fittingScale(WORLD, VIEW, 2)).toBe(0.4);
    expect(fittingScale({ width: 10, height: 10 }, VIEW, 2)).toBe(2);
  });

  test('zooms around a point, which stays where it is', () => {
    const before: Camera = { scale: 0.5, left: -20, top: 30 };
    const point = { x: 200, y: 120 };
    const after = zoomed(before, 1.5, onScreen(before, point));
    expect(after.scale).toBe(1.5);
    expect(onScreen(after, point).x).toBeCloseTo(onScreen(before, point).x, 9);
    expect(onScreen(after, point).y).toBeCloseTo(onScreen(before, point).y, 9);
  });

  test('keeps the world in sight: a large one has no gap at its edges, a small one stands in the middle', () => {
    expect(keptInSight({ scale: 1, left: 50, top: -900 }, WORLD, VIEW)).toEqual({ scale: 1, left: 0, top: -200 });
    expect(keptInSight({ scale: 0.2, left: 0, top: 0 }, WORLD, VIEW)).toEqual({ scale: 0.2, left: 100, top: 100 });
  });

  test('has a point in the middle, and flies there', () => {
    const goal = centredOn({ x: 700, y: 100 }, 2, VIEW);
    expect(onScreen(goal, { x: 700, y: 100 })).toEqual({ x: 200, y: 150 });
    const start: Camera = { scale: 0.5, left: 0, top: 0 };
    expect(between(start, goal, 0)).toEqual(start);
    expect(between(start, goal, 1)).toEqual(goal);
    expect(between(start, goal, 0.5).scale).toBeCloseTo(1, 12);
  });
});
