/** Where on the screen a drawing stands, and how large it is there. Pure: the navigator moves it.
 *
 *  Screen = corner + scale × world. All lengths of the screen are CSS pixels.
 */
export interface Camera {
  scale: number;
  left: number;
  top: number;
}

export interface Size {
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

/** The scale at which all of `world` is seen, `most` at most. */
export const fittingScale = (world: Size, view: Size, most: number): number =>
  Math.min(view.width / world.width, view.height / world.height, most);

/** `camera` with another scale, and the point of the world that is under `at` still there. */
export function zoomed(camera: Camera, scale: number, at: Point): Camera {
  const factor = scale / camera.scale;
  return { scale, left: at.x - (at.x - camera.left) * factor, top: at.y - (at.y - camera.top) * factor };
}

/** A world that is smaller than its place stands in the middle, a larger one covers it. */
export function keptInSight(camera: Camera, world: Size, view: Size): Camera {
  return {
    scale: camera.scale,
    left: keep(camera.left, view.width, world.width * camera.scale),
    top: keep(camera.top, view.height, world.height * camera.scale),
  };
}

/** The camera that has a point of the world in the middle. */
export function centredOn({ x, y }: Point, scale: number, view: Size): Camera {
  return { scale, left: view.width / 2 - x * scale, top: view.height / 2 - y * scale };
}

/** On the way from one camera to another, at `part` of the way from 0 to 1. Scales are even steps of their logarithm. */
export function between(from: Camera, to: Camera, part: number): Camera {
  const mix = (a: number, b: number) => a + (b - a) * part;
  return {
    scale: from.scale * (to.scale / from.scale) ** part,
    left: mix(from.left, to.left),
    top: mix(from.top, to.top),
  };
}

const keep = (corner: number, room: number, size: number): number =>
  size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, corner));
