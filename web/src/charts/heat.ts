/** The map of a fleet on a canvas: a pixel per twin, drawn once and then enlarged, so that zooming costs one copy.
 *
 *  Takes: a Fleet, and what a person does with wheel and pointer.  Gives: the number of a twin that is clicked.
 */
import { cellOf, type Fleet, type MapPlan, planMap, twinAt } from '../fleet';

/** Colours of calm, diverged, alarm, standing still; of the ground between squares, and of the twin that is shown. */
export interface HeatColours {
  health: string[];
  ground: string;
  selected: string;
}

/** Pixels of the screen per twin at most, and from where on a twin can be seen without a mark around it. */
const SCALE_MOST = 40;
const SCALE_SEEN = 9;
const MARK = 6;

/** A pointer that moves less than this has clicked. */
const CLICK = 4;

export class Heat {
  /** A twin was clicked. */
  onPick: (twin: number) => void = () => {};
  private plan: MapPlan = planMap(0, 1);
  private readonly image = document.createElement('canvas');
  private fleet: Fleet | null = null;
  private colours: HeatColours = { health: [], ground: '', selected: '' };
  private selected: number | null = null;
  /** Pixels of the page per twin, and where the map's corner is. */
  private scale = 1;
  private left = 0;
  private top = 0;
  private isWhole = true;
  private isOwed = false;
  private drag: { x: number; y: number; moved: number } | null = null;
  private readonly watcher: ResizeObserver;

  constructor(private readonly canvas: HTMLCanvasElement) {
    canvas.addEventListener('wheel', this.onWheel, { passive: false });
    canvas.addEventListener('pointerdown', this.onDown);
    canvas.addEventListener('pointermove', this.onMove);
    canvas.addEventListener('pointerup', this.onUp);
    canvas.addEventListener('pointercancel', this.onCancel);
    this.watcher = new ResizeObserver(() => this.fit());
    this.watcher.observe(canvas);
  }

  destroy(): void {
    this.watcher.disconnect();
  }

  /** Show this; what is the same as before costs nothing. */
  show(fleet: Fleet, selected: number | null, colours: HeatColours): void {
    const isPainted = fleet === this.fleet && colours.health.join() === this.colours.health.join();
    if (isPainted && selected === this.selected) return;
    const isNew = fleet.health.length !== this.plan.count;
    this.fleet = fleet;
    this.selected = selected;
    this.colours = colours;
    if (isNew) this.fit();
    else if (!isPainted) this.paint();
    this.draw();
  }

  /** Enlarge by `factor` around the middle. */
  zoom(factor: number): void {
    this.zoomAt(factor, this.canvas.clientWidth / 2, this.canvas.clientHeight / 2);
  }

  showWhole(): void {
    this.isWhole = true;
    this.settle();
  }

  /** Where a twin is, in pixels from the canvas's corner. */
  spotOf(twin: number): [x: number, y: number] {
    const [x, y] = cellOf(this.plan, twin);
    return [this.left + (x + 0.5) * this.scale, this.top + (y + 0.5) * this.scale];
  }

  /** The canvas has another size, or the fleet has. */
  private fit(): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (width === 0 || height === 0 || this.fleet === null) return;
    this.canvas.width = Math.round(width * devicePixelRatio);
    this.canvas.height = Math.round(height * devicePixelRatio);
    this.plan = planMap(this.fleet.health.length, width / height);
    this.image.width = this.plan.width;
    this.image.height = this.plan.height;
    this.paint();
    this.settle();
  }

  /** The scale at which the whole map is seen. */
  private get least(): number {
    return Math.min(this.canvas.clientWidth / this.plan.width, this.canvas.clientHeight / this.plan.height, SCALE_MOST);
  }

  /** Keep the map in sight. */
  private settle(): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (this.isWhole) this.scale = this.least;
    this.left = keep(this.left, width, this.plan.width * this.scale);
    this.top = keep(this.top, height, this.plan.height * this.scale);
    this.draw();
  }

  private zoomAt(factor: number, x: number, y: number): void {
    const scale = Math.min(SCALE_MOST, Math.max(this.least, this.scale * factor));
    this.left = x - ((x - this.left) * scale) / this.scale;
    this.top = y - ((y - this.top) * scale) / this.scale;
    this.scale = scale;
    this.isWhole = scale === this.least;
    this.settle();
  }

  private paint(): void {
    const context = this.image.getContext('2d');
    if (context === null || this.fleet === null || this.image.width === 0) return;
    const levels = this.colours.health.map((colour) => colourBytes(colour));
    const pixels = context.createImageData(this.plan.width, this.plan.height);
    const words = new Uint32Array(pixels.data.buffer);
    this.fleet.health.forEach((level, twin) => {
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
    if (context === null || this.image.width === 0) return;
    const { width, height } = this.plan;
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, this.canvas.clientWidth, this.canvas.clientHeight);
    context.imageSmoothingEnabled = this.scale < 1;
    context.drawImage(this.image, this.left, this.top, width * this.scale, height * this.scale);
    this.drawGaps(context);
    this.drawMarks(context);
  }

  /** Lines between the squares, and between twins where those are large. */
  private drawGaps(context: CanvasRenderingContext2D): void {
    const { width, height } = this.plan;
    const step = this.scale >= SCALE_SEEN ? 1 : 10;
    context.strokeStyle = this.colours.ground;
    context.lineWidth = 1;
    context.beginPath();
    for (let x = step; x < width; x += step) {
      context.moveTo(this.left + x * this.scale, this.top);
      context.lineTo(this.left + x * this.scale, this.top + height * this.scale);
    }
    for (let y = step; y < height; y += step) {
      context.moveTo(this.left, this.top + y * this.scale);
      context.lineTo(this.left + width * this.scale, this.top + y * this.scale);
    }
    context.stroke();
  }

  /** One pixel among a hundred thousand is not seen: what is not calm has a ring, a shape of its own beside its colour. */
  private drawMarks(context: CanvasRenderingContext2D): void {
    const { fleet, colours } = this;
    if (fleet === null) return;
    context.lineWidth = 2;
    if (this.scale < SCALE_SEEN) {
      for (const twin of fleet.troubled) {
        const [x, y] = this.spotOf(twin);
        const level = fleet.health[twin] ?? 0;
        context.fillStyle = context.strokeStyle = colours.health[level] ?? '';
        context.beginPath();
        if (level === 1) context.arc(x, y, MARK, 0, 2 * Math.PI);
        else context.rect(x - MARK, y - MARK, 2 * MARK, 2 * MARK);
        context.stroke();
        context.fillRect(x - 1.5, y - 1.5, 3, 3);
      }
    }
    if (this.selected === null) return;
    const [x, y] = this.spotOf(this.selected);
    const reach = Math.max(MARK + 3, this.scale / 2 + 2);
    context.strokeStyle = colours.selected;
    context.strokeRect(x - reach, y - reach, 2 * reach, 2 * reach);
  }

  private readonly onWheel = (event: WheelEvent): void => {
    event.preventDefault();
    this.zoomAt(Math.exp(-event.deltaY * 0.002), event.offsetX, event.offsetY);
  };

  private readonly onDown = (event: PointerEvent): void => {
    this.drag = { x: event.offsetX, y: event.offsetY, moved: 0 };
    this.canvas.setPointerCapture(event.pointerId);
  };

  private readonly onMove = (event: PointerEvent): void => {
    if (this.drag === null) return;
    const [right, down] = [event.offsetX - this.drag.x, event.offsetY - this.drag.y];
    const moved = this.drag.moved + Math.abs(right) + Math.abs(down);
    this.drag = { x: event.offsetX, y: event.offsetY, moved };
    this.left += right;
    this.top += down;
    this.settle();
  };

  private readonly onUp = (event: PointerEvent): void => {
    const { drag } = this;
    this.drag = null;
    if (drag === null || drag.moved >= CLICK) return;
    const twin = this.troubledNear(event.offsetX, event.offsetY) ?? this.twinUnder(event.offsetX, event.offsetY);
    if (twin !== null) this.onPick(twin);
  };

  private readonly onCancel = (): void => {
    this.drag = null;
  };

  private twinUnder(x: number, y: number): number | null {
    return twinAt(this.plan, (x - this.left) / this.scale, (y - this.top) / this.scale);
  }

  /** A ring is easier to hit than what is in it. */
  private troubledNear(x: number, y: number): number | null {
    if (this.fleet === null || this.scale >= SCALE_SEEN) return null;
    const near = this.fleet.troubled.find((twin) => {
      const [right, down] = this.spotOf(twin);
      return Math.hypot(right - x, down - y) <= MARK + 1;
    });
    return near ?? null;
  }
}

/** A map that is smaller than its place stands in the middle, a larger one covers it. */
function keep(corner: number, room: number, size: number): number {
  return size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, corner));
}

/** `#rrggbb` as a pixel of an ImageData, little-endian. */
function colourBytes(colour: string): number {
  const value = Number.parseInt(colour.trim().slice(1), 16);
  return ((0xff << 24) | ((value & 0xff) << 16) | (value & 0xff00) | (value >> 16)) >>> 0;
}
