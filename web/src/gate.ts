/** Who may command which actuator, what is held at its fail-safe value, and whether commands leave the gate at all.
 *
 *  Takes: `gate` of a frame.  Gives: a Gate, and the ways to change what it says.
 */
import { type Access, whyNot } from './access';
import type { Field } from './decode';
import type { Seconds } from './protocol';
import { ask } from './rest';

/** Handlers and people, people alone, nobody. */
export const MODES = ['automatic', 'manual', 'blocked'] as const;
export type Mode = (typeof MODES)[number];

export interface Standing {
  mode: Mode;
  /** Empty where the plant's script says the mode. */
  modeBy: string;
  modeReason: string;
  /** Its fail-safe value; null where it has none. */
  failSafe: number | null;
  /** Held at that value: nobody commands it until people release it. */
  held: boolean;
  heldBy: string;
  heldReason: string;
  heldSince: Seconds | null;
}

export interface Gate {
  /** Commands are decided and recorded, and none is handed over. */
  dryRun: boolean;
  /** By tag; actuators that are not in it are in automatic and have no fail-safe value. */
  actuators: Map<string, Standing>;
}

const USUAL: Standing = {
  mode: 'automatic',
  modeBy: '',
  modeReason: '',
  failSafe: null,
  held: false,
  heldBy: '',
  heldReason: '',
  heldSince: null,
};

export const openGate = (): Gate => ({ dryRun: false, actuators: new Map() });

export const standingOf = (gate: Gate, tag: string): Standing => gate.actuators.get(tag) ?? USUAL;

export function readGate(field: Field): Gate {
  return {
    dryRun: field.get('dry_run').or(false, (flag) => flag.boolean()),
    actuators: field.get('actuators').table(readStanding),
  };
}

function readStanding(field: Field): Standing {
  const text = (name: string) => field.get(name).or('', (item) => item.text());
  return {
    mode: field.get('mode').oneOf(MODES),
    modeBy: text('mode_by'),
    modeReason: text('mode_reason'),
    failSafe: field.get('fail_safe').or(null, (item) => item.number()),
    held: field.get('held').or(false, (flag) => flag.boolean()),
    heldBy: text('held_by'),
    heldReason: text('held_reason'),
    heldSince: field.get('held_since').or(null, (item) => item.time()),
  };
}

/** Why one may not change the mode from one to another; null where one may. */
export function whyNotMode(access: Access | null, from: Mode, to: Mode): string | null {
  return whyNot(access, from === 'blocked' || to === 'blocked' ? 'configure' : 'command');
}

/** What to say beside a command of this actuator; null where there is nothing unusual. */
export function standingText({ mode, modeReason, held, heldReason }: Standing): string | null {
  const because = (reason: string) => (reason === '' ? '' : `: ${reason}`);
  if (held) return `held at its fail-safe value${because(heldReason)}`;
  return mode === 'automatic' ? null : `${mode}${because(modeReason)}`;
}

const PATIENCE_MS = 20_000;

export async function changeMode(tag: string, mode: Mode, reason: string): Promise<void> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  await ask('PATCH', `gate/${encodeURIComponent(tag)}`, { body: { mode, reason }, signal });
}

/** Lead to the fail-safe value, or let go of it; null: all actuators that have one. */
export async function failSafe(deed: 'hold' | 'release', tag: string | null, reason: string): Promise<void> {
  const path = deed === 'hold' ? 'failsafe' : 'failsafe/release';
  const signal = AbortSignal.timeout(PATIENCE_MS);
  await ask('POST', path, { body: { ...(tag === null ? {} : { tag }), reason }, signal });
}
