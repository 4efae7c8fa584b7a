/** The plant as a drawing: every twin with its main value, what feeds what, and where something is wrong. */
import { Component, createRef } from 'preact';
import { worstAlarm } from '../alarms';
import type { Actions } from '../app';
import type { Point, Size } from '../charts/camera';
import { Navigator } from '../charts/navigator';
import { unitText } from '../format/unit';
import { figures } from '../format/value';
import type { Alarm } from '../protocol';
import { BOX, laidOut, middleOf, type Node, type Schematic, sizeOf } from '../schematic';
import type { State } from '../state';
import { partOf } from '../symbols';
import { SeverityMark } from './icons';
import { MapTools } from './MapTools';
import { Pipes } from './Pipes';
import { TwinSymbol } from './Symbol';
import { headline } from './Values';

interface Props {
  schematic: Schematic;
  state: State;
  actions: Actions;
}

/** As large as it gets, and as it is shown at first. */
const SCALES = { near: 3, whole: 1.5 };

/** The scale at which a twin that was searched for is shown at least. */
const FOUND_SCALE = 1;

/** Below this scale words are too small to be read, and the symbols say what there is to see. */
const READABLE = 0.45;

interface Memory {
  /** How large the stage is. */
  view: Size;
  sought: string;
}

export class PlantView extends Component<Props, Memory> {
  override state: Memory = { view: { width: 2, height: 1 }, sought: '' };
  private readonly stage = createRef<HTMLDivElement>();
  private readonly world = createRef<HTMLDivElement>();
  private navigator: Navigator | undefined;
  private readonly sizes = new ResizeObserver(() => this.measure());

  override componentDidMount(): void {
    const stage = this.stage.current;
    if (stage === null) return;
    this.navigator = new Navigator(stage, SCALES);
    this.navigator.onMove = () => this.place();
    this.sizes.observe(stage);
    this.measure();
  }

  override componentDidUpdate(): void {
    this.navigator?.setWorld(sizeOf(this.drawing()));
  }

  override componentWillUnmount(): void {
    this.sizes.disconnect();
    this.navigator?.destroy();
  }

  override render({ state, actions }: Props, { sought }: Memory) {
    const drawing = this.drawing();
    const { width, height } = sizeOf(drawing);
    const found = sought === '' ? [] : drawing.nodes.filter(({ twin }) => twin.toLowerCase().includes(sought));
    return (
      <section class="schematic panel" aria-label="Plant">
        <header class="panel-head">
          <h2 title={state.plant?.doc}>{state.plant?.doc || state.plant?.name}</h2>
          <PlantSearch names={drawing.nodes.map(({ twin }) => twin)} seek={(text, fly) => this.seek(text, fly)} />
          <MapTools navigator={() => this.navigator} />
        </header>
        <div
          ref={this.stage}
          class="stage"
          style={{ aspectRatio: `${width} / ${height}` }}
          role="application"
          aria-label="Drawing of the plant"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys, + and - move the drawing
          tabIndex={0}
          data-testid="stage"
        >
          <div ref={this.world} class="world" style={{ width: `${width}px`, height: `${height}px` }}>
            <Pipes schematic={drawing} state={state} />
            {drawing.nodes.map((node) => (
              <TwinBox
                key={node.twin}
                node={node}
                at={middleOf(node, drawing)}
                state={state}
                isFound={found.includes(node)}
                select={actions.select}
              />
            ))}
          </div>
        </div>
      </section>
    );
  }

  private drawing(): Schematic {
    return laidOut(this.props.schematic, this.state.view);
  }

  private measure(): void {
    const { view } = this.navigator ?? {};
    if (view !== undefined && view.width > 0) this.setState({ view });
  }

  private place(): void {
    const [world, navigator] = [this.world.current, this.navigator];
    if (world === null || navigator === undefined) return;
    const { scale, left, top } = navigator.camera;
    world.style.transform = `translate(${left}px, ${top}px) scale(${scale})`;
    world.dataset.far = String(scale < READABLE);
  }

  private seek(text: string, fly: boolean): void {
    const sought = text.trim().toLowerCase();
    this.setState({ sought });
    const drawing = this.drawing();
    const node = drawing.nodes.find(({ twin }) => twin.toLowerCase().includes(sought));
    if (fly && sought !== '' && node !== undefined) this.navigator?.flyTo(middleOf(node, drawing), FOUND_SCALE);
  }
}

interface SearchProps {
  names: string[];
  seek: (text: string, fly: boolean) => void;
}

function PlantSearch({ names, seek }: SearchProps) {
  return (
    <>
      <input
        type="search"
        class="plant-search"
        list="plant-twins"
        data-testid="plant-search"
        placeholder="Find a twin"
        aria-label="Find a twin by its name"
        autocomplete="off"
        onInput={(event) => seek(event.currentTarget.value, names.includes(event.currentTarget.value))}
        onKeyDown={(event) => event.key === 'Enter' && seek(event.currentTarget.value, true)}
      />
      <datalist id="plant-twins">
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </>
  );
}

interface BoxProps {
  node: Node;
  at: Point;
  state: State;
  isFound: boolean;
  select: Actions['select'];
}

function TwinBox({ node, at, state, isFound, select }: BoxProps) {
  const health = state.health.get(node.twin);
  const alarm = worstAlarm(state.alarms.values(), node.twin);
  const isWrong = (health !== undefined && health.verdict !== 'none') || alarm !== null;
  const level =
    node.fill === null ? Number.NaN : partOf(node.fill, state.values.get(node.fill.tag)?.value ?? Number.NaN);
  const trouble = alarm === null ? (isWrong ? headline(health) : '') : troubleOf(alarm, state);
  return (
    <button
      type="button"
      class="twin-box"
      style={placeOf(at)}
      aria-pressed={node.twin === state.selected}
      data-testid={`twin-${node.twin}`}
      data-wrong={isWrong}
      data-severity={alarm?.severity}
      data-found={isFound}
      data-settling={health?.quality === 'settling'}
      title={alarm?.text || health?.cause || state.twins.get(node.twin)?.doc}
      onClick={() => select(node.twin)}
    >
      <TwinSymbol kind={node.symbol} fill={node.fill} part={level} />
      <span class="twin-name">{node.twin}</span>
      <TwinValue tag={node.tag} state={state} rank="main" />
      {trouble === '' ? (
        <TwinValue tag={node.second} state={state} rank="second" />
      ) : (
        <span class="twin-trouble">
          {alarm !== null && <SeverityMark severity={alarm.severity} state={alarm.state} />}
          {trouble}
        </span>
      )}
    </button>
  );
}

const placeOf = ({ x, y }: Point) => ({
  left: `${x - BOX.width / 2}px`,
  top: `${y - BOX.height / 2}px`,
  width: `${BOX.width}px`,
  height: `${BOX.height}px`,
});

function TwinValue({ tag, state, rank }: { tag: string | null; state: State; rank: 'main' | 'second' }) {
  const channel = tag === null ? undefined : state.channels.get(tag);
  if (tag === null || channel === undefined) return null;
  const reading = state.values.get(tag);
  const { value, power } = figures(reading?.value ?? Number.NaN, reading?.sd ?? null, channel.unit);
  return (
    <span class={`twin-${rank}`} title={`${channel.name}: ${channel.doc}`}>
      {value} <small>{`${power} ${unitText(channel.unit)}`}</small>
    </span>
  );
}

const troubleOf = (alarm: Alarm, state: State): string =>
  alarm.name === 'divergence' ? headline(state.health.get(alarm.twin)) : alarm.name.replaceAll('_', ' ');
