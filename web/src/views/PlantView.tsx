/** The plant as a drawing: every twin with its main value, what feeds what, and where something is wrong. */
import { worstAlarm } from '../alarms';
import type { Actions } from '../app';
import { unitText } from '../format/unit';
import { figures } from '../format/value';
import type { Alarm } from '../protocol';
import type { Line, Node, Schematic } from '../schematic';
import type { State } from '../state';
import { headline } from './Values';

interface Props {
  schematic: Schematic;
  state: State;
  actions: Actions;
}

export function PlantView({ schematic, state, actions }: Props) {
  const { columns, rows, nodes, lines } = schematic;
  return (
    <nav class="schematic panel" aria-label="Twins of the plant" style={{ '--columns': columns }}>
      <svg class="schematic-lines" viewBox={`0 0 ${columns} ${rows}`} preserveAspectRatio="none" aria-hidden="true">
        {lines.map((line) => (
          <path key={`${line.from.twin}\n${line.to.twin}`} d={elbow(line)} />
        ))}
      </svg>
      {nodes.map((node) => (
        <TwinBox key={node.twin} node={node} state={state} select={actions.select} />
      ))}
    </nav>
  );
}

/** Along the row to the middle between both columns, to the other row, and on. */
function elbow({ from, to }: Line): string {
  const middle = (from.column + to.column + 1) / 2;
  return `M${from.column + 0.5} ${from.row + 0.5}H${middle}V${to.row + 0.5}H${to.column + 0.5}`;
}

function TwinBox({ node, state, select }: { node: Node; state: State; select: Actions['select'] }) {
  const health = state.health.get(node.twin);
  const alarm = worstAlarm(state.alarms.values(), node.twin);
  const isWrong = (health !== undefined && health.verdict !== 'none') || alarm !== null;
  return (
    <button
      type="button"
      class="twin-box"
      style={{ '--column': node.column + 1, '--row': node.row + 1 }}
      aria-pressed={node.twin === state.selected}
      data-testid={`twin-${node.twin}`}
      data-wrong={isWrong}
      data-settling={health?.quality === 'settling'}
      title={alarm?.text || health?.cause}
      onClick={() => select(node.twin)}
    >
      <span class="twin-name">{node.twin}</span>
      <MainValue tag={node.tag} state={state} />
      <span class="twin-trouble">{alarm === null ? (isWrong ? headline(health) : '') : troubleOf(alarm, state)}</span>
    </button>
  );
}

function MainValue({ tag, state }: { tag: string | null; state: State }) {
  const channel = tag === null ? undefined : state.channels.get(tag);
  if (tag === null || channel === undefined) return null;
  const reading = state.values.get(tag);
  const { value, power } = figures(reading?.value ?? Number.NaN, reading?.sd ?? null, channel.unit);
  return (
    <span class="twin-main" title={channel.doc}>
      {value} <small>{`${power} ${unitText(channel.unit)}`}</small>
    </span>
  );
}

const troubleOf = (alarm: Alarm, state: State): string =>
  alarm.name === 'divergence' ? headline(state.health.get(alarm.twin)) : alarm.name.replaceAll('_', ' ');
