/** The map of a fleet on a canvas: a pixel per twin, drawn once and then enlarged, so that zooming costs one copy.
 *
 *  Takes: a Fleet, and what a person does with wheel, fingers and keys.  Gives: the number of a twin that is clicked,
 *  or that the pointer is over.
 */
import { cellOf, type Fleet, type MapPlan, planMap, twinAt } from '../fleet';
import type { Point } from './camera';
import { Navigator } from './navigator';

/** Colours of calm, diverged, alarm, standing still; of the ground between squares, and of the twin that is shown. */
export interface HeatColours {
  health: string[];
  ground: string;
  selected: string;
}

/** What is to be seen. What is the same as before costs nothing. */
export interface HeatPicture {
  fleet: Fleet;
  /** The twin that has a frame. */
  selected: number | null;
  /** The healths that stand out; others are as pale as the ground nearly. */
  levels: readonly boolean[];
  colours: HeatColours;
}

/** Pixels of the screen per twin at most, and from where on a twin can be seen without a mark around it. */
const SCALE_MOST = 40;
const SCALE_SEEN = 9;
const MARK = 6;

/** How much is left of the colour of what is filtered out. */
const PALE = 0.22;

export class Heat {
  /** A twin was clicked. */
  onPick: (twin: number) => void = () => {};
  /** The pointer stands over a twin, at this spot. */
  onHover: (twin: number | null, at: Point) => void = () => {};
  readonly navigator: Navigator;
  private plan: MapPlan = planMap(0, 1);
  private readonly image = document.createElement('canvas');
  private picture: HeatPicture | null = null;
  private painted = '';
  private isOwed = false;

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.navigator = new Navigator(canvas, { near: SCALE_MOST, whole: SCALE_MOST });
    this.navigator.onMove = () => this.moved();
    this.navigator.onClick = (at) => {
      const twin = this.twinUnder(at);
      if (twin !== null) this.onPick(twin);
    };
    this.navigator.onHover = (at) => this.onHover(at === null ? null : this.twinUnder(at), at ?? { x: 0, y: 0 });
  }

  destroy(): void {
    this.navigator.destroy();
  }

  show(picture: HeatPicture): void {
    const before = this.picture;
    const key = JSON.stringify([picture.levels, picture.colours]);
    const isPainted = before?.fleet === picture.fleet && key === this.painted;
    if (isPainted && picture.selected === before?.selected) return;
    this.picture = picture;
    this.painted = key;
    if (picture.fleet.health.length !== this.plan.count) this.lay();
    else if (!isPainted) this.paint();
    this.draw();
  }

  /** Bring a twin into the middle, large enough to be told from its neighbours. */
  flyTo(twin: number): void {
    const [x, y] = cellOf(this.plan, twin);
    this.navigator.flyTo({ x: x + 0.5, y: y + 0.5 }, SCALE_SEEN * 1.5);
  }

  /** Lay the twins out anew: the fleet has another size, or the canvas. */
  private lay(): void {
    const { width, height } = this.navigator.view;
    if (width === 0 || height === 0 || this.picture === null) return;
    this.plan = planMap(this.picture.fleet.health.length, width / height);
    this.image.width = this.plan.width;
    this.image.height = this.plan.height;
    this.paint();
    this.navigator.setWorld(this.plan);
  }

  private moved(): void {
    const { width, height } = this.navigator.view;
    const [across, down] = [Math.round(width * devicePixelRatio), Math.round(height * devicePixelRatio)];
    if (across !== this.canvas.width || down !== this.canvas.height) {
      this.canvas.width = across;
      this.canvas.height = down;
      this.lay();
    }
    this.draw();
  }

  private paint(): void {
    const context = this.image.getContext('2d');
    const { picture } = this;
    if (context === null || picture === null || this.image.width === 0) return;
    const { health, ground } = picture.colours;
    const levels = health.map((colour, level) => colourBytes(colour, ground, picture.levels[level] ? 1 : PALE));
    const pixels = context.createImageData(this.plan.width, this.plan.height);
    const words = new Uint32Array(pixels.data.buffer);
    picture.fleet.health.forEach((level, twin) => {
      const [x, y] = cellOf(this.plan, twin);
      words[y * this.plan.width + x] = levels[level] ?? 0;
    });
    context.putImageData(pixels, 0, 0);
  }

  private draw(): void {
    if (this.isOwed) return;
    this.isOwed = true;
    requestAnimationFrame(() => {
      this.isOwed = false;
      this.drawNow();
    });
  }

  private drawNow(): void {
    const context = this.canvas.getContext('2d');
    const { picture } = this;
    if (context === null || picture === null || this.image.width === 0) return;
    const { scale, left, top } = this.navigator.camera;
    const { width, height } = this.plan;
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, this.canvas.clientWidth, this.canvas.clientHeight);
    context.imageSmoothingEnabled = scale < 1;
    context.drawImage(this.image, left, top, width * scale, height * scale);
    this.drawGaps(context, picture);
    if (scale < SCALE_SEEN) this.drawMarks(context, picture);
    this.drawSelected(context, picture);
  }

  /** Lines between the squares, and between twins where those are large; only those that can be seen. */
  private drawGaps(context: CanvasRenderingContext2D, { colours }: HeatPicture): void {
    const { camera, view } = this.navigator;
    const step = camera.scale >= SCALE_SEEN ? 1 : 10;
    const corner = this.navigator.inWorld({ x: 0, y: 0 });
    const end = this.navigator.inWorld({ x: view.width, y: view.height });
    context.strokeStyle = colours.ground;
    context.lineWidth = 1;
    context.beginPath();
    for (let x = firstLine(corner.x, step); x < Math.min(this.plan.width, end.x); x += step) {
      context.moveTo(camera.left + x * camera.scale, 0);
      context.lineTo(camera.left + x * camera.scale, view.height);
    }
    for (let y = firstLine(corner.y, step); y < Math.min(this.plan.height, end.y); y += step) {
      context.moveTo(0, camera.top + y * camera.scale);
      context.lineTo(view.width, camera.top + y * camera.scale);
    }
    context.stroke();
  }

  /** One pixel among a hundred thousand is not seen: what is not calm has a ring, a shape of its own beside its colour. */
  private drawMarks(context: CanvasRenderingContext2D, { fleet, colours, levels }: HeatPicture): void {
    context.lineWidth = 2;
    for (const twin of fleet.troubled) {
      const level = fleet.health[twin] ?? 0;
      if (!levels[level]) continue;
      const { x, y } = this.spotOf(twin);
      context.fillStyle = context.strokeStyle = colours.health[level] ?? '';
      context.beginPath();
      if (level === 1) context.arc(x, y, MARK, 0, 2 * Math.PI);
      else context.rect(x - MARK, y - MARK, 2 * MARK, 2 * MARK);
      context.stroke();
      context.fillRect(x - 1.5, y - 1.5, 3, 3);
    }
  }

  private drawSelected(context: CanvasRenderingContext2D, { selected, colours }: HeatPicture): void {
    if (selected === null) return;
    const { x, y } = this.spotOf(selected);
    const reach = Math.max(MARK + 3, this.navigator.camera.scale / 2 + 2);
    context.lineWidth = 2;
    context.strokeStyle = colours.selected;
    context.strokeRect(x - reach, y - reach, 2 * reach, 2 * reach);
  }

  /** The middle of a twin, in pixels from the canvas's corner. */
  private spotOf(twin: number): Point {
    const { scale, left, top } = this.navigator.camera;
    const [x, y] = cellOf(this.plan, twin);
    return { x: left + (x + 0.5) * scale, y: top + (y + 0.5) * scale };
  }

  /** A ring is easier to hit than what is in it. */
  private twinUnder(at: Point): number | null {
    const { x, y } = this.navigator.inWorld(at);
    return this.troubledNear(at) ?? twinAt(this.plan, x, y);
  }

  private troubledNear(at: Point): number | null {
    const { picture } = this;
    if (picture === null || this.navigator.camera.scale >= SCALE_SEEN) return null;
    const near = picture.fleet.troubled.find((twin) => {
      const { x, y } = this.spotOf(twin);
      return picture.levels[picture.fleet.health[twin] ?? 0] && Math.hypot(x - at.x, y - at.y) <= MARK + 1;
    });
    return near ?? null;
  }
}

/** The first line between two cells that is not left of `corner`. */
const firstLine = (corner: number, step: number): number => Math.max(step, Math.ceil(corner / step) * step);

/** `part` of the colour over the ground, both `#rrggbb`, as a pixel of an ImageData, little-endian. */
function colourBytes(colour: string, ground: string, part: number): number {
  const [value, below] = [hexOf(colour), hexOf(ground)];
  const channel = (shift: number) =>
    Math.round(((value >> shift) & 0xff) * part + ((below >> shift) & 0xff) * (1 - part));
  return ((0xff << 24) | (channel(0) << 16) | (channel(8) << 8) | channel(16)) >>> 0;
}

const hexOf = (colour: string): number => Number.parseInt(colour.trim().slice(1), 16);
