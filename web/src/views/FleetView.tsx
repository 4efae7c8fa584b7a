/** A plant of more twins than can be drawn: a map of how all of them fare, a search, and those in trouble first. */
import { useEffect, useRef } from 'preact/hooks';
import { byGravity, isActive, worstAlarm } from '../alarms';
import type { Actions } from '../app';
import { Heat } from '../charts/heat';
import { type Fleet, HEALTH } from '../fleet';
import type { State } from '../state';

interface Props {
  fleet: Fleet;
  state: State;
  actions: Actions;
}

const LISTED_MOST = 60;

export function FleetView({ fleet, state, actions }: Props) {
  return (
    <nav class="fleet panel" aria-label="Twins of the plant">
      <header class="panel-head fleet-head">
        <h2>
          <span data-testid="twin-count">{fleet.health.length.toLocaleString('en')}</span> twins
        </h2>
        <ul class="fleet-legend">
          {HEALTH.map((name, level) => (
            <li key={name} data-level={level} data-testid={`tally-${level}`}>
              {`${(fleet.tally[level] ?? 0).toLocaleString('en')} ${name}`}
            </li>
          ))}
        </ul>
      </header>
      <FleetMap fleet={fleet} state={state} actions={actions} />
      <div class="fleet-side">
        <input
          type="search"
          class="fleet-search"
          data-testid="fleet-search"
          placeholder="Find a twin by its name"
          aria-label="Find a twin by its name"
          autocomplete="off"
          value={state.search.text}
          onInput={(event) => actions.find(event.currentTarget.value)}
        />
        <FleetList state={state} actions={actions} />
      </div>
    </nav>
  );
}

function FleetMap({ fleet, state, actions }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const heat = useRef<Heat | null>(null);
  useEffect(() => {
    if (canvas.current === null) return;
    heat.current = new Heat(canvas.current);
    return () => heat.current?.destroy();
  }, []);
  useEffect(() => {
    if (heat.current === null) return;
    heat.current.onPick = actions.open;
    heat.current.show(fleet, state.number, coloursOf(state.theme));
  });
  return (
    <div class="fleet-map">
      <canvas ref={canvas} data-testid="fleet-map" aria-label="A map of all twins by number, coloured by health" />
      <div class="fleet-zoom">
        <button type="button" class="icon-button" aria-label="Enlarge" onClick={() => heat.current?.zoom(2)}>
          +
        </button>
        <button type="button" class="icon-button" aria-label="Make smaller" onClick={() => heat.current?.zoom(0.5)}>
          −
        </button>
        <button type="button" class="icon-button" aria-label="Show all" onClick={() => heat.current?.showWhole()}>
          ⤢
        </button>
      </div>
    </div>
  );
}

/** The colours of the theme in force; they change with it alone. */
function coloursOf(theme: State['theme']) {
  let colours = known.get(theme);
  if (colours === undefined) {
    const style = getComputedStyle(document.documentElement);
    const read = (name: string) => style.getPropertyValue(name).trim();
    colours = {
      health: HEALTH.map((_, level) => read(`--health-${level}`)),
      ground: read('--panel'),
      selected: read('--text'),
    };
    known.set(theme, colours);
  }
  return colours;
}

const known = new Map<State['theme'], { health: string[]; ground: string; selected: string }>();

/** What was searched for; without that, twins with alarms and then those that were looked at. */
function FleetList({ state, actions }: Omit<Props, 'fleet'>) {
  const { text, found } = state.search;
  const names = text === '' ? usualNames(state) : found.map(({ name }) => name);
  if (text !== '' && names.length === 0) return <p class="empty">No twin has this in its name.</p>;
  return (
    <ul class="fleet-list">
      {names.slice(0, LISTED_MOST).map((name) => (
        <FleetRow key={name} name={name} state={state} select={actions.select} />
      ))}
    </ul>
  );
}

function FleetRow({ name, state, select }: { name: string; state: State; select: Actions['select'] }) {
  const alarm = worstAlarm(state.alarms.values(), name);
  return (
    <li>
      <button
        type="button"
        class="fleet-row"
        data-testid={`twin-${name}`}
        data-wrong={alarm !== null}
        aria-pressed={name === state.selected}
        title={alarm?.text}
        onClick={() => select(name)}
      >
        <span>{name}</span>
        <small>{alarm?.name.replaceAll('_', ' ') ?? ''}</small>
      </button>
    </li>
  );
}

function usualNames({ alarms, twins }: State): string[] {
  const active = [...alarms.values()].filter((alarm) => alarm.twin !== '' && isActive(alarm)).sort(byGravity);
  return [...new Set([...active.map((alarm) => alarm.twin), ...twins.keys()])];
}
