/** What lies under the lines of a chart: when twin and plant were apart, where alarms begin, what a rolled-up record
 *  hides, and what is expected ahead of now.
 *
 *  Takes: a uPlot that has drawn its axes.  Gives: pixels on its canvas.
 */
import type uPlot from 'uplot';
import type { FanAhead } from '../forecast/ahead';
import type { Seconds } from '../protocol';
import type { Extent, Trend } from '../trends';
import { hueOf, type Palette } from './palette';
import type { Line, Picture, Shade } from './plot';

export function drawUnderlay(plot: uPlot, trend: Trend, picture: Picture, palette: Palette): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  if (trend.kind === 'innovation') shadeCalm(plot, palette);
  shade(plot, picture.shades, palette, trend.kind !== 'held');
  drawLimits(plot, trend, picture.limits, palette);
  for (const trace of trend.traces) {
    const isOwn = trace.role === 'estimate' || trace.role === 'measured';
    const extent = isOwn ? picture.extents.get(trace.tag) : undefined;
    if (extent !== undefined) drawExtent(plot, extent, hueOf(palette, trace));
    if (trace.role === 'estimate' && picture.fan !== null) drawFan(plot, picture.fan, trace.tag, hueOf(palette, trace));
  }
  if (picture.to > picture.now) drawNow(plot, picture.now, palette);
  ctx.restore();
}

/** Within ± two σ lie 95 in 100 innovations of a twin that is right. */
const CALM_SIGMAS = 2;

function shadeCalm(plot: uPlot, palette: Palette): void {
  const { ctx, bbox } = plot;
  const top = plot.valToPos(CALM_SIGMAS, 'y', true);
  ctx.fillStyle = palette.calm;
  ctx.fillRect(bbox.left, top, bbox.width, plot.valToPos(-CALM_SIGMAS, 'y', true) - top);
}

function shade(plot: uPlot, shades: Shade[], palette: Palette, hasEdge: boolean): void {
  const { ctx, bbox } = plot;
  const right = bbox.left + bbox.width;
  for (const { from, to } of shades) {
    const left = Math.max(plot.valToPos(from, 'x', true), bbox.left);
    const width = Math.min(plot.valToPos(to, 'x', true), right) - left;
    if (width <= 0) continue;
    ctx.fillStyle = palette.shade;
    ctx.fillRect(left, bbox.top, width, bbox.height);
    if (!hasEdge) continue;
    ctx.fillStyle = palette.shadeEdge;
    ctx.fillRect(left, bbox.top, width, 2 * devicePixelRatio);
  }
}

/** Where an alarm begins, as far as the chart reaches there. */
function drawLimits(plot: uPlot, { traces }: Trend, limits: Line[], palette: Palette): void {
  const { ctx, bbox } = plot;
  const own = new Set(traces.filter(({ role }) => role === 'estimate').map(({ tag }) => tag));
  ctx.strokeStyle = palette.limit;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  for (const { limit } of limits.filter(({ tag }) => own.has(tag))) {
    const y = plot.valToPos(limit, 'y', true);
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
  }
  ctx.stroke();
  ctx.setLineDash([]);
}

/** From the least to the greatest of what became one value. */
function drawExtent(plot: uPlot, { time, min, max }: Extent, colour: string): void {
  drawArea(plot, time, min, max, colour, 0.2);
}

function drawFan(plot: uPlot, { times, quantiles }: FanAhead, tag: string, colour: string): void {
  const columns = quantiles.get(tag);
  if (columns === undefined) return;
  const [widest, wide, middle, high, highest] = columns;
  drawArea(plot, times, widest ?? [], highest ?? [], colour, 0.14);
  drawArea(plot, times, wide ?? [], high ?? [], colour, 0.16);
  drawDashes(plot, times, middle ?? [], colour);
}

function drawArea(plot: uPlot, times: Seconds[], low: number[], high: number[], colour: string, alpha: number): void {
  const { ctx } = plot;
  const rows = times.map((_, row) => row).filter((row) => Number.isFinite(low[row]) && Number.isFinite(high[row]));
  const point = (row: number, values: number[]) =>
    ctx.lineTo(plot.valToPos(times[row] ?? 0, 'x', true), plot.valToPos(values[row] ?? 0, 'y', true));
  ctx.beginPath();
  for (const row of rows) point(row, high);
  for (const row of rows.reverse()) point(row, low);
  ctx.closePath();
  ctx.globalAlpha = alpha;
  ctx.fillStyle = colour;
  ctx.fill();
  ctx.globalAlpha = 1;
}

function drawDashes(plot: uPlot, times: Seconds[], values: number[], colour: string): void {
  const { ctx } = plot;
  ctx.beginPath();
  times.forEach((time, row) => {
    ctx.lineTo(plot.valToPos(time, 'x', true), plot.valToPos(values[row] ?? Number.NaN, 'y', true));
  });
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.stroke();
  ctx.setLineDash([]);
}

function drawNow(plot: uPlot, now: Seconds, palette: Palette): void {
  const { ctx, bbox } = plot;
  ctx.fillStyle = palette.ink;
  ctx.fillRect(plot.valToPos(now, 'x', true), bbox.top, devicePixelRatio, bbox.height);
}
