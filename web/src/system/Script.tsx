/** The script can be loaded anew; a version that is wrong is refused, and the one before goes on. */
import { useState } from 'preact/hooks';
import { whyNot } from '../access';
import type { Load } from '../load';
import { ask, whyOf } from '../rest';
import type { State } from '../state';

export function Script({ state }: { state: State }) {
  const [load, setLoad] = useState<Load<string>>({ kind: 'none' });
  const refusal = whyNot(state.access, 'configure');

  async function reload(): Promise<void> {
    setLoad({ kind: 'loading', last: null });
    try {
      const answer: unknown = JSON.parse(await ask('POST', 'reload', { signal: AbortSignal.timeout(RELOAD_MS) }));
      const detail = typeof answer === 'object' && answer !== null && 'detail' in answer ? String(answer.detail) : '';
      setLoad({ kind: 'loaded', value: detail });
    } catch (reason) {
      setLoad({ kind: 'failed', why: whyOf(reason), status: null, last: null });
    }
  }

  return (
    <section class="panel" aria-labelledby="script-title">
      <header class="panel-head">
        <h2 id="script-title">Script</h2>
        <button
          type="button"
          class="button head-button"
          data-testid="reload"
          disabled={refusal !== null || load.kind === 'loading'}
          title={refusal ?? 'Load the plant script anew'}
          onClick={() => void reload()}
        >
          {load.kind === 'loading' ? 'Loading …' : 'Load anew'}
        </button>
      </header>
      <p class={state.scriptError === null ? 'empty' : 'empty refusal'} data-testid="script-state">
        {state.scriptError ?? 'The newest version of the script is the one that runs.'}
      </p>
      {load.kind === 'loaded' && <p class="empty">{load.value}</p>}
      {load.kind === 'failed' && (
        <p class="empty refusal" role="alert">
          {load.why}
        </p>
      )}
    </section>
  );
}

/** A script with many twins takes its time. */
const RELOAD_MS = 60_000;
