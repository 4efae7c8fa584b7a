/** The lines between twins: pipes where something flows, with its direction, and thin lines where they only know of each other. */
import { unitText } from '../format/unit';
import { numberText } from '../format/value';
import { type Line, pathOf, type Schematic, sizeOf } from '../schematic';
import type { State } from '../state';

interface Props {
  schematic: Schematic;
  state: State;
}

/** Less than this part of the greatest flow of its kind is a trickle, and stands still. */
const STILL = 0.005;

export function Pipes({ schematic, state }: Props) {
  const { width, height } = sizeOf(schematic);
  const greatest = greatestByUnit(schematic, state);
  return (
    <svg class="schematic-lines" width={width} height={height} aria-hidden="true">
      {schematic.lines.map((line) => (
        <Pipe
          key={`${line.from.twin}\n${line.to.twin}`}
          line={line}
          path={pathOf(line, schematic)}
          state={state}
          greatest={greatest}
        />
      ))}
    </svg>
  );
}

interface PipeProps {
  line: Line;
  path: string;
  state: State;
  greatest: Map<string, number>;
}

function Pipe({ line, path, state, greatest }: PipeProps) {
  if (line.flow === null) return <path class="knows" d={path} />;
  const { tag, sign } = line.flow;
  const unit = state.channels.get(tag)?.unit ?? '';
  const value = state.values.get(tag)?.value ?? Number.NaN;
  const isMoving = Math.abs(value) > STILL * (greatest.get(unit) ?? 0);
  const direction = !isMoving ? 'still' : value * sign > 0 ? 'on' : 'back';
  return (
    <g class="pipe" data-flow={direction} data-testid={`pipe-${line.from.twin}-${line.to.twin}`}>
      <title>{`${tag} ${numberText(value, unit)} ${unitText(unit)}`}</title>
      <path class="pipe-wall" d={path} />
      {isMoving && <path class="pipe-stream" d={path} />}
    </g>
  );
}

/** Flows are compared with others of their unit alone. */
function greatestByUnit({ lines }: Schematic, { channels, values }: State): Map<string, number> {
  const greatest = new Map<string, number>();
  for (const { flow } of lines) {
    if (flow === null) continue;
    const unit = channels.get(flow.tag)?.unit ?? '';
    const size = Math.abs(values.get(flow.tag)?.value ?? 0);
    greatest.set(unit, Math.max(greatest.get(unit) ?? 0, size));
  }
  return greatest;
}
