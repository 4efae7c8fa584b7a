/** What the What if page knows and does: a draft or a scenario of the server, a forecast on its way, what came of it,
 *  and commands that were made of it.
 */
import { parseJson } from '../decode';
import { failed, type Load, loading } from '../load';
import type { Seconds } from '../protocol';
import { ask, Refusal, whyOf } from '../rest';
import type { State } from '../state';
import { askForecast, cancelForecast, hasEnded, loadScenarios, lookAtForecast, type Wanted } from './desk';
import { CASES_MOST, type Draft, firstDraft, scenarioOf, tidied } from './draft';
import type { Job, Outlook, Scenario } from './result';

export interface Study {
  /** Those of the server. */
  scenarios: Load<Scenario[]>;
  /** The one that is chosen; null while one is made by hand. */
  chosen: string | null;
  /** Null before the page was opened. */
  draft: Draft | null;
  run: Run;
  /** The newest result, and the draft that it is of; null for one of a scenario of the server. */
  outlook: Outlook | null;
  of: Draft | null;
  /** Fans of all cases in one chart, or one beside the other. */
  isOverlaid: boolean;
  /** Commands that were asked for, by actuator. */
  orders: Map<string, Order>;
}

export type Run =
  | { kind: 'none' }
  | { kind: 'asked' }
  | { kind: 'running'; job: Job; isSearch: boolean }
  /** `again` is when there may be room: the wall clock in milliseconds, null where it would be no use. */
  | { kind: 'failed'; why: string; again: number | null };

export type Order =
  | { kind: 'sent' }
  | { kind: 'taken'; command: number }
  /** A dry run: what would happen. */
  | { kind: 'tried'; says: string }
  | { kind: 'refused'; why: string };

export interface StudyActions {
  open(): void;
  choose(scenario: string | null): void;
  /** From the draft as it is now, which may be newer than what is drawn. */
  edit(change: (draft: Draft) => Draft): void;
  /** Go on with this draft, which the newest result is of. */
  take(draft: Draft): void;
  run(isSearch: boolean): void;
  cancel(): void;
  overlay(isOverlaid: boolean): void;
  /** A dry run says what would happen, and hands nothing over. */
  order(actuator: string, value: number, reason: string, isDry: boolean): void;
}

const POLL_MS = 300;
const PATIENCE_MS = 20_000;

/** A search takes as many forecasts as it may. */
const SEARCH_PATIENCE: Seconds = 600;

/** The page's knowledge with what can be done to it: stays while other pages are shown. */
export interface Bench {
  study: Study;
  actions: StudyActions;
}

/** The one bench, made when it is first asked for: so nothing of it comes with the first page. */
export function benchOf(state: State, touch: () => void): Bench {
  if (state.bench === null) {
    const study = createStudy();
    state.bench = { study, actions: studyActions(study, state, touch) };
  }
  return state.bench;
}

const createStudy = (): Study => ({
  scenarios: { kind: 'none' },
  chosen: null,
  draft: null,
  run: { kind: 'none' },
  outlook: null,
  of: null,
  isOverlaid: true,
  orders: new Map(),
});

function studyActions(study: Study, state: State, touch: () => void): StudyActions {
  let running = new AbortController();
  const patience = () => AbortSignal.any([running.signal, AbortSignal.timeout(PATIENCE_MS)]);

  async function follow(wanted: Wanted, isSearch: boolean, of: Draft | null): Promise<void> {
    const query: Record<string, string> = isSearch ? { optimize: '1', patience: String(SEARCH_PATIENCE) } : {};
    const seen = (job: Job): Job => (of === null ? job : { ...job, best: tidied(job.best, of) });
    let job = await askForecast(wanted, query, patience());
    while (!hasEnded(job)) {
      study.run = { kind: 'running', job: seen(job), isSearch };
      touch();
      await new Promise((done) => setTimeout(done, POLL_MS));
      if (running.signal.aborted) return;
      job = await lookAtForecast(job.id, patience());
    }
    if (running.signal.aborted) return;
    if (job.outlook === null) throw new Error(job.error || `the forecast is ${job.state}`);
    study.run = { kind: 'none' };
    const { cases, found } = job.outlook;
    study.outlook = {
      ...job.outlook,
      cases: cases.slice(0, CASES_MOST),
      found: of === null ? found : tidied(found, of),
    };
    study.of = of;
    study.orders.clear();
  }

  function begin(isSearch: boolean): void {
    const { chosen, draft } = study;
    if (chosen === null && draft === null) return;
    running.abort();
    running = new AbortController();
    const { signal } = running;
    const wanted: Wanted | null =
      chosen !== null ? { name: chosen } : draft === null ? null : { scenario: scenarioOf(draft, isSearch) };
    if (wanted === null) return;
    study.run = { kind: 'asked' };
    follow(wanted, isSearch, chosen === null ? draft : null)
      .catch((reason) => {
        if (signal.aborted) return;
        const after = reason instanceof Refusal ? reason.retryAfter : null;
        study.run = { kind: 'failed', why: whyOf(reason), again: after === null ? null : Date.now() + after * 1000 };
      })
      .finally(touch);
  }

  async function fetchScenarios(): Promise<void> {
    study.scenarios = loading(study.scenarios);
    try {
      study.scenarios = { kind: 'loaded', value: await loadScenarios(AbortSignal.timeout(PATIENCE_MS)) };
    } catch (reason) {
      study.scenarios = failed(study.scenarios, reason);
    }
    touch();
  }

  return {
    open() {
      study.draft ??= firstDraft(state.twins.get(state.selected ?? ''), state.plant?.step ?? 1);
      if (study.scenarios.kind === 'none') void fetchScenarios();
    },
    choose(scenario) {
      study.chosen = scenario;
      touch();
    },
    edit(change) {
      if (study.draft !== null) study.draft = change(study.draft);
      touch();
    },
    take(draft) {
      study.draft = draft;
      study.of = draft;
      touch();
    },
    run(isSearch) {
      begin(isSearch);
      touch();
    },
    cancel() {
      const { run } = study;
      running.abort();
      study.run = { kind: 'none' };
      // what is not cancelled expires by itself
      if (run.kind === 'running') {
        void cancelForecast(run.job.id, AbortSignal.timeout(PATIENCE_MS)).catch(() => null);
      }
      touch();
    },
    overlay(isOverlaid) {
      study.isOverlaid = isOverlaid;
      touch();
    },
    order(tag, value, reason, isDry) {
      study.orders.set(tag, { kind: 'sent' });
      touch();
      ask('POST', 'commands', {
        body: { tag, value, reason, dry_run: isDry },
        signal: AbortSignal.timeout(PATIENCE_MS),
      })
        .then((body) => study.orders.set(tag, readOrder(body)))
        .catch((refusal) => study.orders.set(tag, { kind: 'refused', why: whyOf(refusal) }))
        .finally(touch);
    },
  };
}

function readOrder(body: string): Order {
  const answer = parseJson(body);
  const says = answer.get('dry_run').or(null, (text) => text.text());
  return says === null ? { kind: 'taken', command: answer.get('command').number() } : { kind: 'tried', says };
}
