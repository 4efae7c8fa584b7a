/** Which picture stands for a twin, by what its model is called; and what of it can be seen to be full or empty.
 *
 *  Takes: a twin.  Gives: the name of a symbol, and a Fill.
 */
import type { Twin } from './protocol';

const WORDS = {
  tank: ['tank', 'reservoir', 'basin', 'vessel', 'tower', 'silo'],
  filter: ['filter', 'separator'],
  pump: ['pump', 'compressor'],
  valve: ['valve'],
  pipe: ['pipe', 'conveyor', 'duct', 'line'],
  heater: ['heater', 'boiler', 'furnace', 'incubator', 'oven'],
  exchanger: ['exchanger', 'radiator', 'cooler', 'chiller', 'coil'],
  room: ['room', 'zone', 'hall'],
  district: ['district', 'village', 'building', 'site'],
  fan: ['air', 'fan', 'turbine'],
  battery: ['battery', 'cell', 'pack', 'storage'],
  motor: ['motor', 'bearing', 'joint', 'robot', 'drive'],
  panel: ['pv', 'solar'],
} as const;

export type SymbolKind = keyof typeof WORDS | 'box';

/** The kind whose word comes last in the model's name: a "heat_exchanger" exchanges, a "storage_site" is a site. */
export function symbolOf(model: string): SymbolKind {
  const words = model.toLowerCase().split(/[^a-z]+/);
  for (const word of words.reverse()) {
    for (const [kind, known] of Object.entries(WORDS)) {
      if ((known as readonly string[]).includes(word)) return kind as SymbolKind;
    }
  }
  return 'box';
}

/** A state that is seen as how full its twin is. */
export interface Fill {
  tag: string;
  /** Empty and full, in the unit of the tag. */
  low: number;
  high: number;
  /** Where alarms begin, from 0 at empty to 1 at full. */
  marks: number[];
}

const FILLS = /^(level|charge|volume|content|soc)/;

/** An alarm for too much stands this far up where the model says no more of how much there is room for. */
const ALARM_AT = 0.9;

/** Null where nothing fills, or nobody says how much there is room for. */
export function fillOf({ channels, limits }: Twin): Fill | null {
  const state = channels.find(({ kind, name }) => kind === 'state' && FILLS.test(name));
  if (state === undefined) return null;
  const own = limits.filter(({ tag }) => tag === state.tag);
  const low = state.min ?? 0;
  const high = state.max ?? roomAbove(own, low);
  if (high === null || high <= low) return null;
  return { tag: state.tag, low, high, marks: own.map(({ limit }) => (limit - low) / (high - low)) };
}

function roomAbove(limits: Twin['limits'], low: number): number | null {
  const tops = limits.filter(({ side }) => side === 'high').map(({ limit }) => limit);
  return tops.length === 0 ? null : low + (Math.max(...tops) - low) / ALARM_AT;
}

/** How full, from 0 to 1; NaN where nothing is known. */
export const partOf = ({ low, high }: Fill, value: number): number =>
  Math.min(1, Math.max(0, (value - low) / (high - low)));
