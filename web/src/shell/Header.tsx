import { byGravity, isUnseen, sentenceOf } from '../alarms';
import type { Actions } from '../app';
import { againstNow, dateText, isoText, timeText } from '../format/time';
import { hashOf, type PageName } from '../route';
import { THEME_CHOICES, type ThemeChoice } from '../settings';
import { plantTime, type State } from '../state';
import { SeverityMark, TwinStars } from '../views/icons';
import { ConnectionPill } from './ConnectionPill';
import { FindIcon, HelpIcon, ThemeIcon } from './icons';

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
      <WorstAlarm state={state} />
      <PlantTime state={state} />
      <ConnectionPill link={state.link} wall={state.wall} isWaiting={plant !== null && plantTime(state) === null} />
      <div class="header-tools">
        <button
          type="button"
          class="icon-button"
          aria-label="Find a twin or a page"
          title="Find (/)"
          onClick={() => actions.show('find')}
        >
          <FindIcon />
        </button>
        <button
          type="button"
          class="icon-button wide-only"
          aria-label="Keys"
          title="Keys (?)"
          onClick={() => actions.show('help')}
        >
          <HelpIcon />
        </button>
        <ThemeToggle choice={state.themeChoice} use={actions.useTheme} />
        <User state={state} logout={() => void actions.session.logout()} />
      </div>
    </header>
  );
}

function TwinChoice({ state, actions }: Props) {
  if (!PAGES_OF_TWINS.includes(state.route.page)) return null;
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

const PAGES_OF_TWINS: PageName[] = ['plant', 'twin'];

const THEMES: Record<ThemeChoice, string> = { system: 'that of the computer', light: 'light', dark: 'dark' };

function ThemeToggle({ choice, use }: { choice: ThemeChoice; use: Actions['useTheme'] }) {
  const next = THEME_CHOICES[(THEME_CHOICES.indexOf(choice) + 1) % THEME_CHOICES.length] ?? 'system';
  return (
    <button
      type="button"
      class="icon-button"
      data-testid="theme"
      data-choice={choice}
      aria-label={`Theme: ${THEMES[choice]}; change to ${THEMES[next]}`}
      title={`Theme: ${THEMES[choice]}`}
      onClick={() => use(next)}
    >
      <ThemeIcon choice={choice} />
    </button>
  );
}

/** The gravest of what nobody has acknowledged, on every page. */
function WorstAlarm({ state }: { state: State }) {
  const [worst, ...others] = [...state.alarms.values()].filter(isUnseen).sort(byGravity);
  if (worst === undefined || state.route.page === 'alarms') return null;
  return (
    <a
      class="worst-alarm"
      href={hashOf('alarms', String(worst.id))}
      data-testid="worst-alarm"
      data-severity={worst.severity}
      title={sentenceOf(worst)}
    >
      <SeverityMark severity={worst.severity} state={worst.state} />
      <span class="worst-text">{sentenceOf(worst)}</span>
      {others.length > 0 && <span class="worst-more">+{others.length}</span>}
    </a>
  );
}

/** Nobody logs in where access is open. */
function User({ state, logout }: { state: State; logout: () => void }) {
  const { access } = state;
  if (access === null || access.user === null) return null;
  return (
    <div class="user">
      <span class="user-name" data-testid="user" title={`logged in as ${access.role ?? 'somebody without a role'}`}>
        {access.user}
      </span>
      <button type="button" class="button" data-testid="logout" onClick={logout}>
        Log out
      </button>
    </div>
  );
}
