/** How the plant's time goes, and how much the log tells: what one may change while it runs. */
import { useState } from 'preact/hooks';
import { whyNot } from '../access';
import { type Field, parseJson } from '../decode';
import type { PageProps } from '../pages';
import { useLoad } from '../pages/useLoad';
import { ask, get, whyOf } from '../rest';
import { Loaded } from '../views/Loaded';

interface Pace {
  /** By the time of day: it cannot be held. */
  isLive: boolean;
  isPaused: boolean;
  /** Times real time at the most; null for as fast as devices bring it. */
  speed: number | null;
}

interface Running {
  pace: Pace;
  level: string;
}

const LEVELS = ['debug', 'info', 'warning', 'error'];
const SPEEDS = [1, 10, 60, 300];
const PATIENCE_MS = 5_000;

export function RunningPanel({ state }: Pick<PageProps, 'state'>) {
  const [load, reload] = useLoad(loadRunning, state.link.kind === 'live');
  const [refusal, setRefusal] = useState('');
  const forbidden = whyNot(state.access, 'configure');

  async function change(method: 'PATCH' | 'PUT' | 'POST', path: string, body: object): Promise<void> {
    try {
      await ask(method, path, { body, signal: AbortSignal.timeout(PATIENCE_MS) });
      setRefusal('');
    } catch (reason) {
      setRefusal(whyOf(reason));
    }
    reload();
  }

  return (
    <section class="panel" aria-labelledby="running-title" data-testid="running">
      <header class="panel-head">
        <h2 id="running-title">Running</h2>
      </header>
      <Loaded load={load} retry={reload} lines={3}>
        {({ pace, level }) => (
          <div class="running">
            <PaceControl pace={pace} forbidden={forbidden} change={change} />
            <label class="running-row">
              <span>the log tells</span>
              <select
                class="filter-choice"
                data-testid="log-level"
                value={level}
                disabled={forbidden !== null}
                title={forbidden ?? undefined}
                onChange={(event) => void change('PUT', 'log', { level: event.currentTarget.value })}
              >
                {LEVELS.map((word) => (
                  <option key={word} value={word}>
                    {word}
                  </option>
                ))}
              </select>
            </label>
            <p class="panel-hint">{forbidden ?? (pace.isLive ? 'The plant lives by the time of day.' : '')}</p>
            {refusal !== '' && (
              <p class="refusal" role="alert">
                Not done: {refusal}
              </p>
            )}
          </div>
        )}
      </Loaded>
    </section>
  );
}

interface PaceProps {
  pace: Pace;
  forbidden: string | null;
  change: (method: 'PATCH' | 'POST', path: string, body: object) => Promise<void>;
}

function PaceControl({ pace, forbidden, change }: PaceProps) {
  const refusal = forbidden ?? (pace.isLive ? 'It lives by the time of day, which nobody can hold.' : null);
  const isFixed = refusal !== null;
  const title = refusal ?? undefined;
  // what somebody else has set is a choice as well
  const speeds = pace.speed === null || SPEEDS.includes(pace.speed) ? SPEEDS : [...SPEEDS, pace.speed];
  return (
    <div class="running-row">
      <span>{pace.isPaused ? 'held' : 'goes on'}</span>
      <button
        type="button"
        class="button"
        data-testid="pause"
        disabled={isFixed}
        title={title}
        onClick={() => void change('PATCH', 'time', { paused: !pace.isPaused })}
      >
        {pace.isPaused ? 'Go on' : 'Hold'}
      </button>
      <button
        type="button"
        class="button"
        data-testid="step"
        disabled={isFixed}
        title={title}
        onClick={() => void change('POST', 'time/step', { ticks: 1 })}
      >
        One tick
      </button>
      <select
        class="filter-choice running-speed"
        aria-label="How fast it goes at the most"
        data-testid="speed"
        disabled={isFixed}
        title={title}
        value={pace.speed ?? ''}
        onChange={({ currentTarget: { value } }) =>
          void change('PATCH', 'time', { speed: value === '' ? null : Number(value) })
        }
      >
        <option value="">as fast as devices bring it</option>
        {speeds.map((speed) => (
          <option key={speed} value={speed}>
            at most {speed}×
          </option>
        ))}
      </select>
    </div>
  );
}

async function loadRunning(signal: AbortSignal): Promise<Running> {
  const [time, log] = await Promise.all([get('time', signal), get('log', signal)]);
  return { pace: readPace(parseJson(time)), level: parseJson(log).get('level').text() };
}

const readPace = (field: Field): Pace => ({
  isLive: field.get('live').boolean(),
  isPaused: field.get('paused').boolean(),
  speed: field.get('speed').or(null, (speed) => speed.number()),
});
