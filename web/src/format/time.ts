/** How times are shown: plant time in UTC, and how long ago something was. */
import type { Seconds } from '../protocol';

/** `2021-01-22T14:48:58.720Z`. Dates end in the year 275,760; whatever a server says, this must not throw. */
export function isoText(time: Seconds): string {
  const date = new Date(time * 1000);
  return Number.isNaN(date.getTime()) ? '-'.repeat(24) : date.toISOString();
}

/** `14:48:58`. */
export const timeText = (time: Seconds): string => isoText(time).slice(11, 19);

/** `2021-01-22`. */
export const dateText = (time: Seconds): string => isoText(time).slice(0, 10);

/** `2021-01-22 14:48:58`. */
export const dateTimeText = (time: Seconds): string => `${dateText(time)} ${timeText(time)}`;

/** The time of day where that is clear, as of `now`, otherwise with the date: `14:48:58`, `2021-01-22 14:48`. */
export const whenText = (time: Seconds, now: Seconds): string =>
  dateText(time) === dateText(now) ? timeText(time) : dateTimeText(time).slice(0, 16);

/** `15:48:58` on the clock on the wall, for a time in milliseconds. */
export const wallTimeText = (wall: number): string => new Date(wall).toTimeString().slice(0, 8);

/** A duration in its largest sensible unit: `12 s`, `3 min`, `5.8 years`. */
export function durationText(seconds: Seconds): string {
  const size = Math.abs(seconds);
  if (size < 60) return `${Math.floor(size)} s`;
  if (size < 3600) return `${Math.floor(size / 60)} min`;
  if (size < 2 * DAY) return `${Math.floor(size / 3600)} h`;
  if (size < YEAR) return `${Math.floor(size / DAY)} days`;
  const years = size / YEAR;
  return `${years < 10 ? years.toFixed(1) : Math.round(years)} years`;
}

/** A round span on a button: `10 s`, `5 min`, `6 h`, `7 d`, `1 y`. */
export function spanText(span: Seconds): string {
  if (span < 60) return `${span} s`;
  if (span < 3600) return `${span / 60} min`;
  if (span < DAY) return `${span / 3600} h`;
  return span < 365 * DAY ? `${span / DAY} d` : `${span / DAY / 365} y`;
}

/** So far ahead: `+45 s`, `+1.5 min`, `+10 min`, `+2 h`. */
export function aheadText(seconds: Seconds): string {
  const [size, unit] =
    seconds < 60 ? [1, 's'] : seconds < 3600 ? [60, 'min'] : seconds < 2 * DAY ? [3600, 'h'] : [DAY, 'd'];
  return `+${Number((seconds / size).toFixed(1))} ${unit}`;
}

/** Where plant time stands against the time of day: `live`, `5.8 years ago`. */
export function againstNow(time: Seconds, wall: Seconds): string {
  const behind = wall - time;
  if (Math.abs(behind) < LIVE) return 'live';
  return behind > 0 ? `${durationText(behind)} ago` : `${durationText(behind)} ahead`;
}

/** A moment for an axis, as fine as the distance between its ticks; midnight is the day that begins. */
export function axisText(time: Seconds, step: Seconds): string {
  if (step >= DAY || (step >= 3600 && time % DAY === 0)) return dateText(time).slice(5);
  return step < 60 ? timeText(time) : timeText(time).slice(0, 5);
}

const DAY = 86_400;
const YEAR = 365.25 * DAY;

/** Plant time that is this near to the clock on the wall is now. */
const LIVE: Seconds = 5;
