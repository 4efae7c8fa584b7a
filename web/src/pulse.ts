/** How the engine has fared in the last minutes: its counters, read once a second.
 *
 *  Takes: counters as ticks bring them, and the time on the wall.  Gives: rings of rates and of levels.
 */
import type { Device, Seconds } from './protocol';
import { Ring } from './ring';

/** Ten minutes, at one reading a second. */
const READINGS = 600;

/** Counters that only grow: what counts is by how much in a second. */
export const RATES = ['ticks', 'samples', 'used', 'amended', 'late', 'replay_ms', 'overruns'] as const;

/** What stands at some height. */
export const LEVELS = ['backlog_samples', 'backlog_ns'] as const;

export type Rate = (typeof RATES)[number];
export type Level = (typeof LEVELS)[number];

const NAMES: readonly string[] = [...RATES, ...LEVELS];

export class Pulse {
  readonly ring = new Ring(NAMES.length + 1, READINGS);
  /** Samples a second of each device, by its name: column 1. */
  readonly devices = new Map<string, Ring>();
  private before: { at: Seconds; counters: Map<string, number>; samples: Map<string, number> } | null = null;

  /** Read at `at`, in seconds of the wall. Counters that fell belong to an engine that has begun anew. */
  read(at: Seconds, counters: Map<string, number>, devices: Device[]): void {
    const samples = new Map(devices.map((device) => [device.name, device.samples]));
    const { before } = this;
    this.before = { at, counters, samples };
    if (before === null || at <= before.at) return;

    const passed = at - before.at;
    const growth = (now: number | undefined, then: number | undefined) =>
      now === undefined || then === undefined || now < then ? Number.NaN : (now - then) / passed;
    for (const name of RATES) this.put(name, at, growth(counters.get(name), before.counters.get(name)));
    for (const name of LEVELS) this.put(name, at, counters.get(name) ?? Number.NaN);
    for (const [name, count] of samples) this.deviceRing(name).put(at, 1, growth(count, before.samples.get(name)));
    for (const name of this.devices.keys()) if (!samples.has(name)) this.devices.delete(name);
  }

  /** What was read last; NaN before there is anything. */
  newest(name: Rate | Level): number {
    return this.ring.at(columnOf(name), this.ring.length - 1);
  }

  private put(name: Rate | Level, at: Seconds, value: number): void {
    this.ring.put(at, columnOf(name), value);
  }

  private deviceRing(name: string): Ring {
    const ring = this.devices.get(name) ?? new Ring(2, READINGS);
    this.devices.set(name, ring);
    return ring;
  }
}

/** Where its readings are in the ring. */
export const columnOf = (name: Rate | Level): number => NAMES.indexOf(name) + 1;
