/** The drawing of a plant: in which cell each twin stands, what is joined, and which way it flows.
 *
 *  A plant says in metres where its assets stand. Distances do not matter here, the order does: every position to the
 *  right that occurs is a column, every one upwards a row, so that what stands in line is in line. A plant that says
 *  nothing is drawn in the order in which its twins feed each other.
 *
 *  Takes: twins and connections.  Gives: a Schematic, or null where there is nothing to draw.
 */
import type { Point, Size } from './charts/camera';
import type { Connection, Twin } from './protocol';
import { type Fill, fillOf, type SymbolKind, symbolOf } from './symbols';

export interface Node {
  twin: string;
  symbol: SymbolKind;
  /** From 0, from the left. */
  column: number;
  /** From 0, from the top. */
  row: number;
  /** The tag of the one value that stands for the twin; null where it estimates nothing. */
  tag: string | null;
  /** A second one that is worth a line; null where there is none. */
  second: string | null;
  fill: Fill | null;
}

/** Two twins of which one feeds the other, or both do. */
export interface Line {
  from: Node;
  to: Node;
  /** What flows between them; null where they only know of each other. */
  flow: Flow | null;
}

export interface Flow {
  tag: string;
  /** 1 where a positive value flows from `from` to `to`, -1 where it comes back. */
  sign: 1 | -1;
}

export interface Schematic {
  columns: number;
  rows: number;
  nodes: Node[];
  lines: Line[];
  /** From top to bottom instead of from left to right. */
  isTurned: boolean;
  /** Of one column and one row, in pixels of a drawing that is not enlarged. */
  cell: Size;
}

/** What feeds more than this is everywhere: lines to all of it would hide the others. */
const MOST_FED = 5;

/** Units of what moves from one place to another. */
const FLOWS = /^(m\^3|l|L|kg|g|t)\/(s|min|h)$|^[kM]?W$|^A$/;

/** An input of this name takes away from the twin that is fed: a reservoir's `draw` is what a pump moves out of it. */
const TAKES = /^(draw|export|drain|withdraw|discharge|taken)/;

export function planSchematic(twins: Twin[], connect: Connection[]): Schematic | null {
  if (twins.length < 2) return null;
  const places = placesOf(twins, connect);
  const nodes = inReadingOrder(twins).map((twin): Node => {
    const [column, row] = places.get(twin.name) ?? [0, 0];
    const tag = mainTag(twin, connect);
    const second = secondTag(twin, tag);
    return { twin: twin.name, symbol: symbolOf(twin.model), column, row, tag, second, fill: fillOf(twin) };
  });
  return {
    columns: 1 + Math.max(...nodes.map(({ column }) => column)),
    rows: 1 + Math.max(...nodes.map(({ row }) => row)),
    nodes,
    lines: linesOf(nodes, twins, connect),
    isTurned: false,
    cell: CELL,
  };
}

/** From left to right, and there from the top; twins in one place stay in their order. */
export function inReadingOrder(twins: Twin[]): Twin[] {
  return [...twins].sort((a, b) => a.at[0] - b.at[0] || b.at[1] - a.at[1]);
}

/** The drawing as it suits a screen: along its longer side, with rows as far apart as there is room for. */
export function laidOut(schematic: Schematic, view: Size): Schematic {
  const isHigh = view.height > view.width && schematic.columns > schematic.rows;
  const drawing = isHigh ? turned(schematic) : schematic;
  const scale = view.width / (drawing.columns * CELL.width);
  const room = view.height / (drawing.rows * scale);
  return { ...drawing, cell: { width: CELL.width, height: Math.min(HIGHEST, Math.max(CELL.height, room)) } };
}

/** The same plant from top to bottom instead of from left to right. */
export function turned(schematic: Schematic): Schematic {
  const { columns, rows, nodes, lines } = schematic;
  const others = new Map(nodes.map((node) => [node.twin, { ...node, column: node.row, row: node.column }]));
  const turn = (node: Node) => others.get(node.twin) ?? node;
  return {
    ...schematic,
    isTurned: true,
    columns: rows,
    rows: columns,
    nodes: nodes.map(turn),
    lines: lines.map((line) => ({ ...line, from: turn(line.from), to: turn(line.to) })),
  };
}

type Places = Map<string, [column: number, row: number]>;

function placesOf(twins: Twin[], connect: Connection[]): Places {
  const different = new Set(twins.map(({ at }) => at.join()));
  if (different.size < twins.length) return placesByFeeding(twins, connect);
  const columns = ranks(twins.map(({ at: [right] }) => right));
  const rows = ranks(twins.map(({ at: [, up] }) => -up));
  return new Map(twins.map(({ name, at: [right, up] }) => [name, [columns.get(right) ?? 0, rows.get(-up) ?? 0]]));
}

/** Whoever is fed stands right of whoever feeds it, as far as they do not feed each other. */
function placesByFeeding(twins: Twin[], connect: Connection[]): Places {
  const columns = new Map(twins.map(({ name }) => [name, 0]));
  const pairs = connect.map(({ from, to }) => [twinOf(from), twinOf(to)] as const);
  // in a loop columns would rise for ever: one round for each twin is enough where there is none
  const most = pairs.length === 0 ? 0 : Math.ceil(Math.sqrt(twins.length)) * 2;
  for (let round = 0; round < twins.length; round++) {
    for (const [from, to] of pairs) {
      const next = (columns.get(from) ?? 0) + 1;
      if (from !== to && columns.has(to) && next <= most && next > (columns.get(to) ?? 0)) columns.set(to, next);
    }
  }
  const used = new Map<number, number>();
  const across = Math.ceil(Math.sqrt(twins.length));
  return new Map(
    twins.map(({ name }, index): [string, [number, number]] => {
      if (pairs.length === 0) return [name, [index % across, Math.floor(index / across)]];
      const column = columns.get(name) ?? 0;
      const row = used.get(column) ?? 0;
      used.set(column, row + 1);
      return [name, [column, row]];
    }),
  );
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

/** Another state that is measured. */
function secondTag({ channels }: Twin, main: string | null): string | null {
  const isMeasured = (tag: string) => channels.some((channel) => channel.of === tag);
  return channels.find(({ kind, tag }) => kind === 'state' && tag !== main && isMeasured(tag))?.tag ?? null;
}

function linesOf(nodes: Node[], twins: Twin[], connect: Connection[]): Line[] {
  const lines = new Map<string, Line>();
  const units = new Map(twins.flatMap(({ channels }) => channels.map(({ tag, unit }) => [tag, unit])));
  const owners = new Map(nodes.map((node) => [node.twin, node]));
  for (const { from, to } of connect) {
    const flows = FLOWS.test(units.get(from) ?? '');
    if (connect.filter((other) => other.from === from).length > MOST_FED) continue;
    const [source, target] = [owners.get(twinOf(from)), owners.get(twinOf(to))];
    if (source === undefined || target === undefined || source === target) continue;

    const isForward = source.column <= target.column;
    const [first, second] = isForward ? [source, target] : [target, source];
    const key = [first.twin, second.twin].sort().join('\n');
    if (lines.get(key)?.flow != null) continue;
    const leaves = TAKES.test(to.slice(to.lastIndexOf('.') + 1));
    const flow: Flow | null = flows ? { tag: from, sign: isForward === leaves ? -1 : 1 } : null;
    lines.set(key, { from: first, to: second, flow });
  }
  return [...lines.values()];
}

/** A tag is its twin's name, a dot, and the channel's name, which has none. */
const twinOf = (tag: string): string => tag.slice(0, tag.lastIndexOf('.'));

// Where all of it stands.

export const BOX: Size = { width: 164, height: 84 };

const CELL: Size = { width: 196, height: 116 };

/** Rows that are farther apart than this fall to pieces. */
const HIGHEST = 176;

export const sizeOf = ({ columns, rows, cell }: Schematic): Size => ({
  width: columns * cell.width,
  height: rows * cell.height,
});

export const middleOf = ({ column, row }: Node, { cell }: Schematic): Point => ({
  x: (column + 0.5) * cell.width,
  y: (row + 0.5) * cell.height,
});

/** An SVG path from box to box: along the row, between two columns to the other row, and on; turned, the other way. */
export function pathOf({ from, to }: Line, schematic: Schematic): string {
  const [a, b] = [middleOf(from, schematic), middleOf(to, schematic)];
  if (from.column === to.column || from.row === to.row) return `M${a.x} ${a.y}L${b.x} ${b.y}`;
  const { cell, isTurned } = schematic;
  if (isTurned) return `M${a.x} ${a.y}V${Math.max(from.row, to.row) * cell.height}H${b.x}V${b.y}`;
  return `M${a.x} ${a.y}H${Math.max(from.column, to.column) * cell.width}V${b.y}H${b.x}`;
}
