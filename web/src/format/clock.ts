/** How a clock that is off is told in words. */
import type { Seconds, SourceClock } from '../protocol';

/** `clock 2.1 s ahead, drifts +14 ppm`, as far as either is sure. */
export function clockText(clock: SourceClock): string {
  const { offset, uncertainty, driftPpm, driftUncertaintyPpm } = clock;
  const sure = Math.max(uncertainty, LEAST);
  const state =
    Math.abs(offset) <= sure ? `right to ${sizeText(sure)}` : sizeText(offset) + (offset > 0 ? ' ahead' : ' behind');
  const drifts = Math.abs(driftPpm) > driftUncertaintyPpm && Math.abs(driftPpm) >= 0.5;
  return `clock ${state}${drifts ? `, drifts ${driftPpm > 0 ? '+' : '−'}${Math.round(Math.abs(driftPpm))} ppm` : ''}`;
}

function sizeText(time: Seconds): string {
  const size = Math.abs(time);
  if (size < 0.9995) return `${Math.ceil(size * 1000)} ms`;
  if (size < 120) return `${size.toFixed(1)} s`;
  return size < 7200 ? `${Math.round(size / 60)} min` : `${Math.round(size / 3600)} h`;
}

/** Below this a network cannot be told from a clock. */
const LEAST: Seconds = 0.005;
