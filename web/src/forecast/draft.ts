/** A scenario that a person makes by hand: cases side by side, each with changes at times.
 *
 *  Takes: drafts, as a form leaves them.  Gives: what is sent, or what is wrong with it. Pure.
 */
import { type Acts, type Channel, NOBODY, type Seconds, type Twin } from '../protocol';
import type { Best } from './result';

export interface Draft {
  horizon: Seconds;
  members: number;
  /** What is told: up to TAGS_MOST. */
  tags: string[];
  cost: CostDraft;
  /** The first is the base; its changes hold in the others too, and who acts in it. */
  cases: CaseDraft[];
  /** How likely an alarm may be at most while values vary, by `twin.alarm`. */
  limits: Map<string, number>;
}

export interface CostDraft {
  kind: 'integral' | 'final';
  /** Empty: nothing is reckoned. */
  expression: string;
  unit: string;
}

export interface CaseDraft {
  name: string;
  changes: Change[];
  /** Who acts; null is as in the first case, and in that nobody. */
  acts: Acts | null;
}

/** What an actuator is told. */
export interface Wish {
  actuator: string;
  value: number;
}

export interface Change {
  tag: string;
  /** Each value holds from its time on; in the unit of the tag. */
  points: { at: Seconds; value: number }[];
  /** The actuator that would be told to do this, itself where `tag` is one; null where nobody is told. */
  order: string | null;
  /** A search may choose the value between these. */
  vary: [low: number, high: number] | null;
}

export const CASES_MOST = 4;
export const TAGS_MOST = 8;
export const MEMBERS_MOST = 4096;

/** The median, and what lies within one and two standard deviations if it is normal: the bands of the other charts. */
export const QUANTILES = [2.5, 16, 50, 84, 97.5];

const POINTS = 80;

/** The body of a `POST forecasts`. */
export interface ScenarioJson extends Partial<Acts> {
  name: string;
  horizon: Seconds;
  points: number;
  members: number;
  quantiles: number[];
  tags: string[];
  changes: ChangesJson;
  alternatives?: ({ name: string; changes: ChangesJson } & Partial<Acts>)[];
  cost?: Record<string, string>;
  optimize?: { vary: Record<string, [number, number]>; limits: Record<string, number> };
}

type ChangesJson = Record<string, number | [Seconds, number][]>;

/** Why a draft cannot be sent; null where it can. */
export function whatIsWrong({ horizon, members, tags, cases, limits }: Draft): string | null {
  if ([...limits.values()].some((part) => !(part >= 0 && part <= 1))) return 'An alarm has from 0 to 100 %.';
  if (!(horizon > 0)) return 'The horizon must be longer than nothing.';
  if (!(members >= 2 && members <= MEMBERS_MOST)) return `Members: from 2 to ${MEMBERS_MOST}.`;
  if (tags.length === 0) return 'Choose at least one value to look at.';
  if (new Set(cases.map(({ name }) => name.trim())).size < cases.length) return 'Two cases have the same name.';
  if (cases.some(({ name }) => name.trim() === '')) return 'A case has no name.';
  for (const one of cases) {
    const { name, changes } = one;
    const unheard = actsOf(one, cases[0]).control ? undefined : changes.find(isCommand);
    if (unheard !== undefined)
      return `${name}: ${unheard.tag} is a command, and nobody obeys; let the controllers act.`;
    if (changes.some(({ vary, points }) => vary !== null && points.length > 1)) {
      return `${name}: a value that varies has one step.`;
    }
    if (new Set(changes.map(({ tag }) => tag)).size < changes.length) return `${name}: a value is changed twice.`;
    for (const { tag, points, vary } of changes) {
      if (points.some(({ value }) => !Number.isFinite(value))) return `${name}: ${tag} needs a number.`;
      if (vary !== null && !(vary[0] < vary[1])) return `${name}: ${tag} has no room to vary.`;
      if (points.some(({ at }) => !(at >= 0 && at < horizon))) return `${name}: ${tag} changes outside of the horizon.`;
    }
  }
  return null;
}

export function scenarioOf(draft: Draft, isSearch: boolean): ScenarioJson {
  const [base, ...others] = draft.cases;
  const vary = (base?.changes ?? []).flatMap(({ tag, vary }) => (vary === null ? [] : [[tag, vary] as const]));
  return {
    name: base?.name ?? '',
    horizon: draft.horizon,
    points: POINTS,
    members: Math.round(draft.members),
    quantiles: QUANTILES,
    tags: draft.tags,
    changes: changesOf(base),
    ...base?.acts,
    ...(isSearch || others.length === 0
      ? {}
      : { alternatives: others.map((other) => ({ name: other.name, changes: changesOf(other), ...other.acts })) }),
    ...costOf(draft.cost),
    ...(isSearch ? { optimize: { vary: Object.fromEntries(vary), limits: Object.fromEntries(draft.limits) } } : {}),
  };
}

// Who acts.

export const actsOf = (one: CaseDraft, base: CaseDraft | undefined): Acts => one.acts ?? base?.acts ?? NOBODY;

/** The case with a switch turned; `base` is the first, of the others. Handlers command what controllers obey, so these come with those, and take them along. */
export function switched(one: CaseDraft, base: CaseDraft | undefined, turned: Partial<Acts>): CaseDraft {
  const { control, handlers } = { ...actsOf(one, base), ...turned };
  const acts =
    turned.handlers === undefined
      ? { control, handlers: control && handlers }
      : { control: control || handlers, handlers };
  const usual = base?.acts ?? NOBODY;
  const isUsual = acts.control === usual.control && acts.handlers === usual.handlers;
  return { ...one, acts: isUsual ? null : acts };
}

/** Whether a change is that of an actuator, which controllers obey. */
export const isCommand = ({ tag, order }: Change): boolean => tag === order;

/** What the case tells actuators first: its own changes, and those of the base that it leaves as they are. */
export function wishesOf(one: CaseDraft, base: CaseDraft | undefined): Wish[] {
  const own = new Set(one.changes.flatMap(({ tag, order }) => [tag, order]));
  const inherited =
    one === base ? [] : (base?.changes ?? []).filter(({ tag, order }) => !own.has(tag) && !own.has(order));
  const { control } = actsOf(one, base);
  return [...one.changes, ...inherited].flatMap((change) => {
    const { order, points } = change;
    const [first] = [...points].sort((a, b) => a.at - b.at);
    return order === null || first === undefined || (isCommand(change) && !control)
      ? []
      : [{ actuator: order, value: first.value }];
  });
}

/** What a search has found, in figures that a person would choose: it ends next to a bound, and not quite on it. */
export function tidied(found: Best | null, { cases }: Draft): Best | null {
  if (found === null) return null;
  const ranges = new Map(cases[0]?.changes.map(({ tag, vary }) => [tag, vary]));
  const values = [...found.values].map(([tag, value]): [string, number] => {
    const range = ranges.get(tag);
    return [tag, range == null ? value : tidy(value, range[1] - range[0])];
  });
  return { ...found, values: new Map(values) };
}

/** `value` with no more digits than the pixels of a slider tell apart. */
export function tidy(value: number, range: number): number {
  const decimals = Math.max(0, 3 - Math.floor(Math.log10(range)) - 1);
  return Number(value.toFixed(Math.min(decimals, 12)));
}

/** The draft with the values that a search has found. */
export function withValues(draft: Draft, values: ReadonlyMap<string, number>): Draft {
  const [base, ...others] = draft.cases;
  if (base === undefined) return draft;
  const changes = base.changes.map((change) => {
    const value = values.get(change.tag);
    return value === undefined ? change : { ...change, points: [{ at: 0, value }] };
  });
  return { ...draft, cases: [{ ...base, changes }, ...others] };
}

/** Why the values of a draft cannot be searched for; null where they can. */
export function whyNoSearch({ cases, cost }: Draft): string | null {
  const isVaried = cases[0]?.changes.some(({ vary }) => vary !== null) ?? false;
  if (!isVaried) return 'Let a value of the first case vary, to search for the best.';
  return cost.expression.trim() === '' ? 'Say what it costs, to search for what costs least.' : null;
}

function changesOf(one: CaseDraft | undefined): ChangesJson {
  return Object.fromEntries(
    (one?.changes ?? []).map(({ tag, points, vary }) => {
      const sorted = [...points].sort((a, b) => a.at - b.at);
      const [first] = sorted;
      const isPlain = vary !== null || (sorted.length === 1 && first?.at === 0);
      return [tag, isPlain ? (first?.value ?? 0) : sorted.map(({ at, value }): [number, number] => [at, value])];
    }),
  );
}

function costOf({ kind, expression, unit }: CostDraft): Pick<ScenarioJson, 'cost'> {
  return expression.trim() === '' ? {} : { cost: { [kind]: expression.trim(), unit: unit.trim() || '1' } };
}

// What a form begins with.

/** A scenario that changes nothing: where is this going? */
export function firstDraft(twin: Twin | undefined, step: Seconds): Draft {
  return {
    horizon: Math.max(600, Math.round((200 * step) / 60) * 60),
    members: 256,
    tags: (twin?.channels ?? [])
      .filter(({ kind }) => kind === 'state')
      .map(({ tag }) => tag)
      .slice(0, 2),
    cost: { kind: 'integral', expression: '', unit: '' },
    cases: [{ name: 'as it is', changes: [], acts: null }],
    limits: new Map(),
  };
}

/** What can be changed: inputs that no other twin feeds, and parameters; actuators where controllers obey them. */
export const isChangeable = ({ kind, tag }: Channel, fed: ReadonlySet<string>, { control }: Acts): boolean =>
  kind === 'parameter' || kind === 'tracked' || (kind === 'input' && !fed.has(tag)) || (kind === 'actuator' && control);

export function newChange(channel: Channel, value: number, actuators: Channel[]): Change {
  return { tag: channel.tag, points: [{ at: 0, value }], order: orderFor(channel, actuators), vary: null };
}

/** The actuator that is told what `input` reports: of the same unit, and most alike in name. One is told itself. */
export function orderFor(input: Channel, actuators: Channel[]): string | null {
  if (input.kind === 'actuator') return input.tag;
  if (input.kind !== 'input') return null;
  const twin = input.tag.slice(0, input.tag.lastIndexOf('.') + 1);
  const alike = (name: string) => [...name].findIndex((letter, index) => letter !== input.name[index]);
  const fitting = actuators
    .filter(({ tag, unit }) => tag.startsWith(twin) && unit === input.unit)
    .map(({ tag, name }) => ({ tag, shared: name === input.name ? name.length : Math.max(alike(name), 0) }))
    .sort((a, b) => b.shared - a.shared);
  const [best] = fitting;
  return best !== undefined && best.shared >= ALIKE ? best.tag : null;
}

/** Names that share fewer letters have nothing to do with each other. */
const ALIKE = 3;

/** Where a slider ends: where the model says, else around the value that it has. */
export function rangeFor({ min, max }: Pick<Channel, 'min' | 'max'>, value: number): [low: number, high: number] {
  const size = Math.max(Math.abs(value), 1e-9) * 2;
  const low = min ?? (value < 0 ? -size : 0);
  return [low, max !== null && max < low + 50 * size ? max : Math.max(size, low + size)];
}
