/** Moves a camera over a drawing: wheel, one finger or two, mouse, keys; and flights to a place.
 *
 *  Takes: the element that shows the drawing, and how large the drawing is.  Gives: a camera whenever it has changed,
 *  and clicks and hovers that were no drag.
 */
import { between, type Camera, centredOn, fittingScale, keptInSight, type Point, type Size, zoomed } from './camera';

/** A pointer that moves less than this has clicked. */
const CLICK = 4;

const FLIGHT_MS = 350;
const WHEEL_RATE = 0.002;
const KEY_ZOOM = 1.25;
const KEY_PAN = 60;

export class Navigator {
  camera: Camera = { scale: 1, left: 0, top: 0 };
  onMove: () => void = () => {};
  onClick: (at: Point) => void = () => {};
  /** Null where the pointer has left, or drags. */
  onHover: (at: Point | null) => void = () => {};
  private world: Size = { width: 1, height: 1 };
  private isWhole = true;
  private moved = 0;
  private flight = 0;
  private readonly pointers = new Map<number, Point>();
  private readonly watcher: ResizeObserver;
  private readonly stop = new AbortController();

  constructor(
    private readonly element: HTMLElement,
    /** Pixels per unit of the world at most, and at most while all is shown. */
    private readonly most: { near: number; whole: number },
  ) {
    const { signal } = this.stop;
    element.addEventListener('wheel', this.onWheel, { passive: false, signal });
    // two fingers are for the drawing, whatever the browser would do with them
    element.addEventListener('touchstart', (event) => event.touches.length > 1 && event.preventDefault(), {
      passive: false,
      signal,
    });
    element.addEventListener('pointerdown', this.onDown, { signal });
    element.addEventListener('pointermove', this.onPointer, { signal });
    element.addEventListener('pointerup', this.onUp, { signal });
    element.addEventListener('pointercancel', this.onGone, { signal });
    element.addEventListener('pointerleave', () => this.onHover(null), { signal });
    element.addEventListener('keydown', this.onKey, { signal });
    this.watcher = new ResizeObserver(() => this.settle());
    this.watcher.observe(element);
  }

  destroy(): void {
    this.stop.abort();
    this.watcher.disconnect();
    cancelAnimationFrame(this.flight);
  }

  get view(): Size {
    return { width: this.element.clientWidth, height: this.element.clientHeight };
  }

  setWorld(world: Size): void {
    if (world.width === this.world.width && world.height === this.world.height) return;
    this.world = world;
    this.isWhole = true;
    this.settle();
  }

  /** Enlarge by `factor` around the middle. */
  zoom(factor: number): void {
    const { width, height } = this.view;
    this.zoomAt(factor, { x: width / 2, y: height / 2 });
  }

  showWhole(): void {
    this.isWhole = true;
    this.settle();
  }

  /** Bring a point of the world into the middle, at `scale` or closer. */
  flyTo(point: Point, scale: number): void {
    const goal = keptInSight(
      centredOn(point, Math.max(scale, this.camera.scale, this.least), this.view),
      this.world,
      this.view,
    );
    const [from, began] = [this.camera, performance.now()];
    const isSudden = matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.isWhole = false;
    const step = (now: number) => {
      const part = isSudden ? 1 : Math.min(1, Math.max(0, (now - began) / FLIGHT_MS));
      this.enter(between(from, goal, part * part * (3 - 2 * part)));
      if (part < 1) this.flight = requestAnimationFrame(step);
    };
    cancelAnimationFrame(this.flight);
    step(began);
  }

  /** A point of the screen in the world. */
  inWorld({ x, y }: Point): Point {
    const { scale, left, top } = this.camera;
    return { x: (x - left) / scale, y: (y - top) / scale };
  }

  private get least(): number {
    return fittingScale(this.world, this.view, this.most.whole);
  }

  /** The place has another size, or what is shown. */
  private settle(): void {
    const { width, height } = this.view;
    if (width === 0 || height === 0) return;
    if (this.isWhole) this.camera = { ...this.camera, scale: this.least };
    this.enter(this.camera);
  }

  private enter(camera: Camera): void {
    this.camera = keptInSight(camera, this.world, this.view);
    // a drawing that is all there leaves one finger to the page, to scroll
    this.element.style.touchAction = this.isWhole ? 'pan-y' : 'none';
    this.onMove();
  }

  private zoomAt(factor: number, at: Point): void {
    cancelAnimationFrame(this.flight);
    const scale = Math.min(this.most.near, Math.max(this.least, this.camera.scale * factor));
    this.isWhole = scale <= this.least;
    this.enter(zoomed(this.camera, scale, at));
  }

  private pan(right: number, down: number): void {
    this.enter({ ...this.camera, left: this.camera.left + right, top: this.camera.top + down });
  }

  private spotOf(event: MouseEvent): Point {
    const { left, top } = this.element.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  }

  private readonly onWheel = (event: WheelEvent): void => {
    event.preventDefault();
    this.zoomAt(Math.exp(-event.deltaY * WHEEL_RATE), this.spotOf(event));
  };

  private readonly onDown = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    cancelAnimationFrame(this.flight);
    if (this.pointers.size === 0) this.moved = 0;
    this.pointers.set(event.pointerId, this.spotOf(event));
    this.onHover(null);
  };

  private readonly onPointer = (event: PointerEvent): void => {
    const before = this.pointers.get(event.pointerId);
    const now = this.spotOf(event);
    if (before === undefined) {
      if (event.pointerType !== 'touch') this.onHover(now);
      return;
    }
    this.moved += Math.abs(now.x - before.x) + Math.abs(now.y - before.y);
    // what is dragged is followed out of the element; what is clicked stays with what lies under it
    if (this.moved >= CLICK) this.element.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, now);
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other === undefined) this.pan(now.x - before.x, now.y - before.y);
    else this.pinch(before, now, other);
  };

  /** One of two fingers has moved: the point between them goes along, and the distance is the scale. */
  private pinch(before: Point, now: Point, other: Point): void {
    const [was, is] = [
      Math.hypot(before.x - other.x, before.y - other.y),
      Math.hypot(now.x - other.x, now.y - other.y),
    ];
    this.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
    if (was > 0) this.zoomAt(is / was, { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
  }

  private readonly onUp = (event: PointerEvent): void => {
    const isLast = this.pointers.delete(event.pointerId) && this.pointers.size === 0;
    if (isLast && this.moved < CLICK) this.onClick(this.spotOf(event));
  };

  private readonly onGone = (event: PointerEvent): void => {
    this.pointers.delete(event.pointerId);
  };

  private readonly onKey = (event: KeyboardEvent): void => {
    const act = KEYS[event.key];
    if (act === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (act === 'whole') this.showWhole();
    else if (typeof act === 'number') this.zoom(act);
    else this.pan(act.x, act.y);
  };
}

/** An arrow looks in its direction, so the drawing goes the other way. */
const KEYS: Record<string, number | Point | 'whole'> = {
  '+': KEY_ZOOM,
  '=': KEY_ZOOM,
  '-': 1 / KEY_ZOOM,
  '0': 'whole',
  ArrowLeft: { x: KEY_PAN, y: 0 },
  ArrowRight: { x: -KEY_PAN, y: 0 },
  ArrowUp: { x: 0, y: KEY_PAN },
  ArrowDown: { x: 0, y: -KEY_PAN },
};
