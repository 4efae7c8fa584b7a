/** A plant of more twins than can be drawn: a map of how all of them fare, a search, and those in trouble first. */
import { Component, createRef } from 'preact';
import { byGravity, isActive, worstAlarm } from '../alarms';
import type { Actions } from '../app';
import type { Point } from '../charts/camera';
import { Heat } from '../charts/heat';
import { type Fleet, HEALTH } from '../fleet';
import { nameOf } from '../names';
import type { State } from '../state';
import { MapTools } from './MapTools';

interface Props {
  fleet: Fleet;
  state: State;
  actions: Actions;
}

interface Memory {
  /** The healths that stand out on the map. */
  levels: readonly boolean[];
  hovered: Hovered | null;
}

interface Hovered {
  twin: number;
  /** Empty until the server has said it. */
  name: string;
  at: Point;
}

const LISTED_MOST = 60;

/** A pointer that rests for so long wants to know a name. */
const REST_MS = 90;

export class FleetView extends Component<Props, Memory> {
  override state: Memory = { levels: HEALTH.map(() => true), hovered: null };
  private readonly canvas = createRef<HTMLCanvasElement>();
  private heat: Heat | undefined;
  private rest: ReturnType<typeof setTimeout> | undefined;
  private flownTo: number | null = null;

  override componentDidMount(): void {
    if (this.canvas.current === null) return;
    this.heat = new Heat(this.canvas.current);
    this.heat.onPick = (twin) => {
      // what was clicked is in sight already
      this.flownTo = twin;
      this.props.actions.open(twin);
    };
    this.heat.onHover = (twin, at) => this.hover(twin, at);
    this.flownTo = this.props.state.number;
    this.componentDidUpdate();
  }

  override componentDidUpdate(): void {
    const { fleet, state } = this.props;
    this.heat?.show({ fleet, selected: state.number, levels: this.state.levels, colours: coloursOf(state.theme) });
    if (state.number === null || state.number === this.flownTo) return;
    this.flownTo = state.number;
    this.heat?.flyTo(state.number);
  }

  override componentWillUnmount(): void {
    clearTimeout(this.rest);
    this.heat?.destroy();
  }

  override render({ fleet, state, actions }: Props, { levels, hovered }: Memory) {
    return (
      <section class="fleet panel" aria-label="Twins of the plant">
        <header class="panel-head fleet-head">
          <h2>
            <span data-testid="twin-count">{fleet.health.length.toLocaleString('en')}</span> twins
          </h2>
          <FleetLegend tally={fleet.tally} levels={levels} toggle={(level) => this.toggle(level)} />
          <MapTools navigator={() => this.heat?.navigator} />
        </header>
        <div class="fleet-map">
          <canvas
            ref={this.canvas}
            tabIndex={0}
            data-testid="fleet-map"
            aria-label="A map of all twins by number, coloured by health"
          />
          {hovered !== null && <HoverTip hovered={hovered} fleet={fleet} />}
        </div>
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
      </section>
    );
  }

  /** One health alone at first; a second click on the only one brings all of them back. */
  private toggle(level: number): void {
    const { levels } = this.state;
    const isAll = levels.every((shown) => shown);
    const isOnly = levels[level] && levels.filter((shown) => shown).length === 1;
    const next = isOnly
      ? levels.map(() => true)
      : levels.map((shown, other) => (other === level ? isAll || !shown : shown && !isAll));
    this.setState({ levels: next });
  }

  private hover(twin: number | null, at: Point): void {
    clearTimeout(this.rest);
    if (twin === null) {
      if (this.state.hovered !== null) this.setState({ hovered: null });
      return;
    }
    const name = this.state.hovered?.twin === twin ? this.state.hovered.name : '';
    this.setState({ hovered: { twin, name, at } });
    if (name !== '') return;
    this.rest = setTimeout(async () => {
      const found = await nameOf(twin);
      if (this.state.hovered?.twin === twin) this.setState({ hovered: { ...this.state.hovered, name: found } });
    }, REST_MS);
  }
}

function FleetLegend({
  tally,
  levels,
  toggle,
}: {
  tally: number[];
  levels: readonly boolean[];
  toggle: (level: number) => void;
}) {
  return (
    <div class="fleet-legend">
      {HEALTH.map((name, level) => (
        <button
          key={name}
          type="button"
          data-level={level}
          data-testid={`tally-${level}`}
          aria-pressed={levels[level] ?? false}
          title="Show these alone on the map"
          onClick={() => toggle(level)}
        >
          {`${(tally[level] ?? 0).toLocaleString('en')} ${name}`}
        </button>
      ))}
    </div>
  );
}

/** Beside the pointer, on the side where there is room. */
function HoverTip({ hovered, fleet }: { hovered: Hovered; fleet: Fleet }) {
  const { twin, name, at } = hovered;
  const level = fleet.health[twin] ?? 0;
  return (
    <div
      class="fleet-tip"
      data-testid="fleet-tip"
      data-level={level}
      style={{ left: `${at.x}px`, top: `${at.y}px`, '--side': at.x > TIP_ROOM ? '-100%' : '0' }}
    >
      <strong>{name === '' ? `number ${twin}` : name}</strong> {HEALTH[level]}
    </div>
  );
}

const TIP_ROOM = 220;

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

/** What was searched for; without that, twins with alarms and then those that were looked at, by name. */
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
  const known = [...twins.keys()].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return [...new Set([...active.map((alarm) => alarm.twin), ...known])];
}
