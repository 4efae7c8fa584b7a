import type { Actions } from '../app';
import { againstNow, dateText, isoText, timeText } from '../format/time';
import { plantTime, type State } from '../state';
import { ConnectionPill } from './ConnectionPill';
import { Moon, Sun, TwinStars } from './icons';

interface Props {
  state: State;
  actions: Actions;
}

export function Header({ state, actions }: Props) {
  const { plant } = state;
  return (
    <header class="header">
      <div class="brand">
        <TwinStars />
        <span class="wordmark">Pollux</span>
      </div>
      {plant !== null && (
        <h1 class="plant-name" title={plant.doc} data-testid="plant">
          {plant.name}
        </h1>
      )}
      <TwinChoice state={state} actions={actions} />
      <PlantTime state={state} />
      <ConnectionPill link={state.link} wall={state.wall} isWaiting={plant !== null && plantTime(state) === null} />
      <ThemeToggle theme={state.theme} use={actions.useTheme} />
    </header>
  );
}

function TwinChoice({ state, actions }: Props) {
  if (state.fleet !== null) {
    return (
      <p class="twin-choice">
        <span>Twin</span> <strong data-testid="twin-shown">{state.wanted ?? state.selected}</strong>
      </p>
    );
  }
  if (state.twins.size < 2) return null;
  return (
    <label class="twin-choice">
      <span>Twin</span>
      <select
        data-testid="twin-choice"
        value={state.selected ?? ''}
        onChange={(event) => actions.select(event.currentTarget.value)}
      >
        {[...state.twins.keys()].map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The twin's time, which may be years ago and run faster than the clock on the wall: so it says which time it is. */
function PlantTime({ state }: { state: State }) {
  const time = plantTime(state);
  if (time === null) return <div class="plant-time" />;

  const speed = state.clock?.speed ?? 1;
  return (
    <div class="plant-time" title="The time that the twins have reached, in UTC">
      <div class="plant-clock">
        <span class="plant-date">{dateText(time)}</span>{' '}
        <time data-testid="plant-time" dateTime={isoText(time)}>
          {timeText(time)}
        </time>{' '}
        <span class="zone">UTC</span>
      </div>
      <div class="plant-pace">
        <span>twin time</span>
        <span>{againstNow(time, state.wall / 1000)}</span>
        {speed !== 1 && <span class="speed">{`${Number(speed.toPrecision(3))}× speed`}</span>}
      </div>
    </div>
  );
}

function ThemeToggle({ theme, use }: { theme: State['theme']; use: Actions['useTheme'] }) {
  const other = theme === 'dark' ? 'light' : 'dark';
  return (
    <button type="button" class="icon-button" aria-label={`Use the ${other} theme`} onClick={() => use(other)}>
      {theme === 'dark' ? <Sun /> : <Moon />}
    </button>
  );
}
