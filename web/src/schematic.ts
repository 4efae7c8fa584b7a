/** The drawing of a plant: in which cell each twin stands, and what is joined.
 *
 *  A plant says in metres where its assets stand. Distances do not matter here, the order does: every position to the
 *  right that occurs is a column, every one upwards a row, so that what stands in line is in line.
 *
 *  Takes: twins and connections.  Gives: a Schematic, or null where there is nothing to draw.
 */
import type { Connection, Twin } from './protocol';

export interface Node {
  twin: string;
  /** From 0, from the left. */
  column: number;
  /** From 0, from the top. */
  row: number;
  /** The tag of the one value that stands for the twin; null where it estimates nothing. */
  tag: string | null;
}

/** Two twins of which one feeds the other, or both do. */
export interface Line {
  from: Node;
  to: Node;
}

export interface Schematic {
  columns: number;
  rows: number;
  nodes: Node[];
  lines: Line[];
}

/** With more than this, boxes are too small to be read, or too many. */
const MOST_COLUMNS = 10;
const MOST_TWINS = 80;

/** What feeds more than this is everywhere: lines to all of it would hide the others. */
const MOST_FED = 5;

export function planSchematic(twins: Twin[], connect: Connection[]): Schematic | null {
  const columns = ranks(twins.map(({ at: [right] }) => right));
  const rows = ranks(twins.map(({ at: [, up] }) => -up));
  const places = new Set(twins.map(({ at }) => at.join()));
  if (twins.length < 2 || places.size < twins.length || columns.size > MOST_COLUMNS || twins.length > MOST_TWINS) {
    return null;
  }

  const nodes = inReadingOrder(twins).map((twin) => ({
    twin: twin.name,
    column: columns.get(twin.at[0]) ?? 0,
    row: rows.get(-twin.at[1]) ?? 0,
    tag: mainTag(twin, connect),
  }));
  return { columns: columns.size, rows: rows.size, nodes, lines: linesOf(nodes, connect) };
}

/** From left to right, and there from the top; twins in one place stay in their order. */
export function inReadingOrder(twins: Twin[]): Twin[] {
  return [...twins].sort((a, b) => a.at[0] - b.at[0] || b.at[1] - a.at[1]);
}

/** The position of every value among the different ones. */
function ranks(values: number[]): Map<number, number> {
  const different = [...new Set(values)].sort((a, b) => a - b);
  return new Map(different.map((value, rank) => [value, rank]));
}

/** The state that others are fed with, or else the first that is measured. */
function mainTag({ channels }: Twin, connect: Connection[]): string | null {
  const states = channels.filter((channel) => channel.kind === 'state');
  const given = states.find((state) => connect.some(({ from }) => from === state.tag));
  const measured = states.find((state) => channels.some((channel) => channel.of === state.tag));
  return (given ?? measured ?? states[0])?.tag ?? null;
}

function linesOf(nodes: Node[], connect: Connection[]): Line[] {
  const lines = new Map<string, Line>();
  for (const { from, to } of connect) {
    if (connect.filter((other) => other.from === from).length > MOST_FED) continue;
    const ends = [ownerOf(nodes, from), ownerOf(nodes, to)];
    const [first, second] = ends.sort((a, b) => (a?.column ?? 0) - (b?.column ?? 0));
    if (first === undefined || second === undefined || first === second) continue;
    lines.set([first.twin, second.twin].sort().join('\n'), { from: first, to: second });
  }
  return [...lines.values()];
}

/** A tag is its twin's name, a dot, and the channel's name, which has none. */
const ownerOf = (nodes: Node[], tag: string): Node | undefined =>
  nodes.find(({ twin }) => twin === tag.slice(0, tag.lastIndexOf('.')));
