/** What if: a scenario of the server or one made by hand, what comes of it, and the way to do it. */
import '../styles/charts.css';
import '../styles/whatif.css';
import { useEffect } from 'preact/hooks';
import { whyNot } from '../access';
import { whatIsWrong, whyNoSearch, withValues } from '../forecast/draft';
import type { Best } from '../forecast/result';
import { type Bench, benchOf, type Run } from '../forecast/study';
import { durationText } from '../format/time';
import { newestOf } from '../load';
import type { PageProps } from '../pages';
import type { State } from '../state';
import { Watching } from '../views/Watching';
import { Apply } from '../views/whatif/Apply';
import { bestText } from '../views/whatif/best';
import { DraftForm } from '../views/whatif/DraftForm';
import { Outcome } from '../views/whatif/Outcome';

export default function WhatIf({ state, actions }: PageProps) {
  return (
    <Watching state={state} actions={actions}>
      {() => <Workbench state={state} bench={benchOf(state, actions.touch)} />}
    </Watching>
  );
}

interface Props {
  state: State;
  bench: Bench;
}

function Workbench({ state, bench }: Props) {
  const { study, actions } = bench;
  const { of } = study;
  const take = of === null ? null : ({ values }: Best) => actions.take(withValues(of, values));
  useEffect(() => actions.open(), []);
  return (
    <div class="whatif">
      <section class="panel whatif-form" aria-label="Scenario">
        <ScenarioChoice {...bench} />
        {study.chosen === null && study.draft !== null && (
          <DraftForm draft={study.draft} state={state} edit={actions.edit} />
        )}
        <RunBar state={state} bench={bench} />
      </section>
      <div class="whatif-outcome">
        {study.outlook === null ? (
          <section class="panel">
            <p class="empty">
              Nothing has been looked at yet. A forecast begins at the plant as it is now and leaves it alone: it tells
              where values go, how likely alarms are, and what each case has more than the first.
            </p>
          </section>
        ) : (
          <Outcome study={study} outlook={study.outlook} state={state} overlay={actions.overlay} take={take} />
        )}
        {study.outlook !== null && study.of !== null && <Apply draft={study.of} state={state} bench={bench} />}
      </div>
    </div>
  );
}

function ScenarioChoice({ study, actions }: Bench) {
  const { scenarios, chosen } = study;
  const known = newestOf(scenarios) ?? [];
  const one = known.find(({ name }) => name === chosen);
  return (
    <label class="field">
      Scenario
      <select
        data-testid="scenario"
        value={chosen ?? ''}
        onChange={(event) => actions.choose(event.currentTarget.value || null)}
      >
        <option value="">made by hand</option>
        {known.map(({ name }) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
      {scenarios.kind === 'failed' && <small>Those of the server could not be loaded: {scenarios.why}</small>}
      {one !== undefined && <small>{`${one.doc}. ${durationText(one.horizon)} ahead, ${one.members} members.`}</small>}
    </label>
  );
}

function RunBar({ state, bench }: Props) {
  const { study, actions } = bench;
  const { run, chosen, draft } = study;
  const wrong = whyNot(state.access, 'forecast') ?? (chosen === null && draft !== null ? whatIsWrong(draft) : null);
  const noSearch = chosen === null && draft !== null ? whyNoSearch(draft) : null;
  const isBusy = run.kind === 'asked' || run.kind === 'running';
  return (
    <footer class="run-bar">
      {isBusy ? (
        <button type="button" class="button" data-testid="cancel-run" onClick={actions.cancel}>
          Cancel
        </button>
      ) : (
        <>
          <button
            type="button"
            class="button button-main"
            data-testid="run"
            disabled={wrong !== null}
            onClick={() => actions.run(false)}
          >
            Look ahead
          </button>
          <button
            type="button"
            class="button"
            data-testid="optimize"
            disabled={wrong !== null || noSearch !== null}
            title={noSearch ?? 'Look for the values that cost least and keep the limits'}
            onClick={() => actions.run(true)}
          >
            Optimize
          </button>
        </>
      )}
      {wrong !== null && (
        <p class="run-note" role="alert">
          {wrong}
        </p>
      )}
      <RunNote run={run} state={state} />
    </footer>
  );
}

function RunNote({ run, state }: { run: Run; state: State }) {
  switch (run.kind) {
    case 'none':
      return null;
    case 'asked':
      return <p class="run-note">asked …</p>;
    case 'failed':
      return (
        <p class="run-note run-failed" role="alert" data-testid="run-failed">
          {run.why}
          {run.again !== null && ` There may be room in ${Math.max(0, Math.ceil((run.again - state.wall) / 1000))} s.`}
        </p>
      );
    case 'running':
      return (
        <div class="run-note" data-testid="run-progress">
          <progress max={1} value={run.job.progress} aria-label="How far it is" />
          {` ${Math.round(run.job.progress * 100)} %, ${run.job.seconds.toFixed(1)} s`}
          {run.job.best !== null && (
            <p>{`best of ${run.job.best.evaluations} so far: ${bestText(run.job.best, state)}`}</p>
          )}
        </div>
      );
    default:
      return run satisfies never;
  }
}
