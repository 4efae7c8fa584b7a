/** What a twin looks like on the drawing of a plant: an outline that is known at a glance, and how full it is. */
import type { Fill, SymbolKind } from '../symbols';

interface Props {
  kind: SymbolKind;
  fill: Fill | null;
  /** How full, from 0 to 1; NaN where nothing is known. */
  part: number;
}

/** Where a symbol has room to be full: a rectangle of its 48 by 48 units. */
const ROOMS: Partial<Record<SymbolKind, readonly [x: number, y: number, width: number, height: number]>> = {
  tank: [9, 6, 30, 38],
  filter: [11, 6, 26, 26],
  battery: [13, 9, 22, 33],
};

export function TwinSymbol({ kind, fill, part }: Props) {
  const [x, y, width, height] = ROOMS[kind] ?? [6, 6, 36, 36];
  const isFilled = fill !== null && Number.isFinite(part) && kind in ROOMS;
  const markAt = (mark: number) => y + height * (1 - Math.min(1, Math.max(0, mark)));
  return (
    <svg class={`symbol symbol-${kind}`} viewBox="0 0 48 48" width="46" height="46" aria-hidden="true">
      {isFilled && (
        <rect
          class="symbol-fill"
          x={x}
          y={y + height * (1 - part)}
          width={width}
          height={height * part}
          data-part={part.toFixed(3)}
        />
      )}
      <path class="symbol-outline" d={OUTLINES[kind]} />
      {isFilled &&
        fill.marks.map((mark) => <path key={mark} class="symbol-mark" d={`M${x + width - 6} ${markAt(mark)}h9`} />)}
    </svg>
  );
}

const OUTLINES: Record<SymbolKind, string> = {
  tank: 'M9 4V41a3 3 0 0 0 3 3H36a3 3 0 0 0 3-3V4',
  filter: 'M11 4V34L20 44H28L37 34V4M11 32H37M15 36l3-4 3 4 3-4 3 4 3-4 3 4',
  pump: 'M24 7a17 17 0 1 1 0 34a17 17 0 1 1 0-34ZM17 12 40 24 17 36',
  valve: 'M6 14V36L24 25 42 36V14L24 25ZM24 25V11M17 9H31',
  pipe: 'M3 17H45M3 31H45M3 14V34M45 14V34',
  heater: 'M8 6H40V42H8ZM14 34c5 0 5-6 10-6s5 6 10 6M24 23c-4-3-3-7 0-11c3 4 4 8 0 11Z',
  exchanger: 'M8 10V38M16 10V38M24 10V38M32 10V38M40 10V38M5 14H43M5 34H43',
  room: 'M7 21 24 7 41 21V41H7ZM20 41V29H28V41',
  district: 'M4 42V26L12 19 20 26V42ZM20 42V16L28 9 36 16V42M36 42V27H44V42ZM11 42V34M27 24H29M27 31H29',
  fan: 'M24 6a18 18 0 1 1 0 36a18 18 0 1 1 0-36ZM24 24c-7-3-7-11 0-13c3 5 3 9 0 13ZM24 24c7-3 12 3 9 9c-5 0-8-4-9-9ZM24 24c-1 7-8 9-12 4c2-4 7-6 12-4Z',
  battery: 'M13 9H35V42H13ZM19 9V5H29V9M20 16H28M24 12V20',
  motor: 'M24 7a17 17 0 1 1 0 34a17 17 0 1 1 0-34ZM16 32V17L24 27 32 17V32',
  panel: 'M12 12H42L36 38H6ZM22 12 17 38M32 12 27 38M9 25H39',
  box: 'M8 10H40V38H8Z',
};
