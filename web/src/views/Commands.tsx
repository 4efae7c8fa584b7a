import { timeText } from '../format/time';
import { unitText } from '../format/unit';
import { numberText } from '../format/value';
import type { Channel, Command } from '../protocol';

const SHOWN = 12;

interface Props {
  commands: Map<number, Command>;
  channels: Map<string, Channel>;
}

/** What was asked of the actuators, newest first. */
export function Commands({ commands, channels }: Props) {
  const newest = [...commands.values()].sort((a, b) => b.id - a.id).slice(0, SHOWN);
  return (
    <section class="panel" aria-labelledby="commands-title" data-testid="commands">
      <header class="panel-head">
        <h2 id="commands-title">Commands</h2>
      </header>
      {newest.length === 0 ? (
        <p class="empty">No commands so far.</p>
      ) : (
        <ul class="command-list">
          {newest.map((command) => (
            <CommandRow key={command.id} command={command} unit={channels.get(command.tag)?.unit ?? '1'} />
          ))}
        </ul>
      )}
    </section>
  );
}

function CommandRow({ command, unit }: { command: Command; unit: string }) {
  const { id, tag, value, state, by, reason, detail, time } = command;
  return (
    <li class="command" data-testid={`command-${id}`} data-state={state}>
      <span class="command-time">{timeText(time)}</span>
      <span class="command-what">
        {tag} ← <strong>{numberText(value, unit)}</strong> {unitText(unit)}
      </span>
      <span class="tag-state">{state}</span>
      <span class="command-why">
        {[reason, detail].filter((part) => part !== '').join(' · ')}
        {by !== '' && <span class="command-by"> by {by}</span>}
      </span>
    </li>
  );
}
