/** What the selected twin is expected to do next: a forecast of its estimates, made anew while somebody watches. */
import type { Seconds, Twin } from '../protocol';
import { whyOf } from '../rest';
import type { State } from '../state';
import { askForecast } from './desk';
import { QUANTILES } from './draft';
import type { Outlook } from './result';

export interface Ahead {
  /** Whether somebody wants to see it. */
  isOn: boolean;
  /** The newest; null before the first, and for another twin. */
  fan: FanAhead | null;
  /** Why there is none; empty where there is. */
  why: string;
}

export interface FanAhead {
  /** Plant time of each row. */
  times: Seconds[];
  to: Seconds;
  /** By tag: a column for each of QUANTILES. */
  quantiles: Map<string, number[][]>;
}

const MEMBERS = 128;
const POINTS = 40;
const TAGS_MOST = 32;

/** Part of what is shown that lies ahead. */
const PART = 0.3;

/** Up to here controllers act in it, as they do in the plant: what they decide is asked for member by member, and a day of that takes too long. */
const CONTROLLED_S = 7_200;

/** Seconds of the wall between two forecasts, and for how long one may take. */
const EVERY_MS = 4_000;
const PATIENCE_S = 30;

/** How far ahead there is something to see beside `span`: steps of the plant, and no more than a day. */
export function horizonFor(span: Seconds, step: Seconds): Seconds {
  return Math.max(2 * step, Math.min(86_400, Math.round((span * PART) / step) * step));
}

export function fanOf({ from, times, cases }: Outlook): FanAhead {
  const fans = cases[0]?.fans ?? [];
  const absolute = times.map((time) => from + time);
  return {
    times: absolute,
    to: absolute.at(-1) ?? from,
    quantiles: new Map(fans.map(({ tag, quantiles }) => [tag, quantiles])),
  };
}

/** Look ahead again and again, as long as it is wanted. */
export function keepAhead(state: State, touch: () => void): () => void {
  let isAsked = false;
  let last = 0;

  async function look(twin: Twin): Promise<void> {
    const { ahead } = state;
    const step = state.plant?.step ?? 1;
    const tags = twin.channels.filter(({ kind }) => kind === 'state' || kind === 'output' || kind === 'tracked');
    const horizon = horizonFor(state.span, step);
    const scenario = {
      name: `${twin.name} ahead`,
      horizon,
      points: POINTS,
      members: MEMBERS,
      quantiles: QUANTILES,
      tags: tags.slice(0, TAGS_MOST).map(({ tag }) => tag),
      changes: {},
      ...(state.plant?.acts.control === true && horizon <= CONTROLLED_S ? { control: true } : {}),
    };
    const query = { wait: String(PATIENCE_S), patience: String(PATIENCE_S) };
    const job = await askForecast({ scenario }, query, AbortSignal.timeout(2 * PATIENCE_S * 1000));
    if (job.outlook === null) throw new Error(job.error || `it is ${job.state}`);
    if (state.ahead.isOn && state.selected === twin.name && ahead.isOn) {
      state.ahead = { isOn: true, fan: fanOf(job.outlook), why: '' };
    }
  }

  return () => {
    const twin = state.twins.get(state.selected ?? '');
    const isSeen = state.route.page === 'twin' || state.schematic === null;
    if (!state.ahead.isOn || isAsked || twin === undefined || !isSeen || document.hidden) return;
    if (state.piece !== null || (state.ahead.fan !== null && Date.now() - last < EVERY_MS)) return;
    if (state.ahead.why !== '' && Date.now() - last < EVERY_MS) return;
    isAsked = true;
    last = Date.now();
    look(twin)
      .catch((reason) => {
        state.ahead = { ...state.ahead, fan: null, why: whyOf(reason) };
      })
      .finally(() => {
        isAsked = false;
        touch();
      });
  };
}
