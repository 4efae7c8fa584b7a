/** What a device offers, with its newest values, and the plant's tag that each of it is: chosen among those that fit. */
import '../styles/tables.css';
import type { DeviceDetail, OfferedTag } from '../devices';
import { numberText } from '../format/value';

interface Props {
  device: DeviceDetail;
  /** Null while they are on their way. */
  candidates: Map<string, string[]> | null;
  /** What was chosen and does not count yet. */
  chosen: Map<string, string>;
  choose: (name: string, tag: string) => void;
}

export function Bindings({ device, candidates, chosen, choose }: Props) {
  if (device.tags.length === 0) return <p class="empty">It offers nothing.</p>;
  return (
    <div class="scroll-x">
      <table class="grid-table stacked">
        <thead>
          <tr>
            <th>Offers</th>
            <th class="number">Newest</th>
            <th>Unit</th>
            <th>Is the plant&rsquo;s</th>
          </tr>
        </thead>
        <tbody>
          {device.tags.map((tag) => {
            const bound = device.bindings.get(tag.name);
            return (
              <tr key={tag.name} data-testid={`offer-${tag.name}`}>
                <td class="anywhere">{tag.name}</td>
                <td class="number" data-name="newest">
                  {tag.value === null ? '–' : numberText(tag.value, tag.unit ?? '')}
                </td>
                <td data-name="unit">{tag.actuator ? 'actuator' : (tag.unit ?? 'not said')}</td>
                <td data-name="plant’s">
                  {device.state === 'direct' || device.state === 'disabled' ? (
                    (bound?.tag ?? tag.name)
                  ) : (
                    <TagChoice
                      tag={tag}
                      bound={bound?.tag ?? ''}
                      fitting={candidates?.get(tag.name) ?? []}
                      chosen={chosen.get(tag.name)}
                      choose={(name) => choose(tag.name, name)}
                    />
                  )}
                  {bound?.fault != null && <span class="refusal">{bound.fault}</span>}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

interface ChoiceProps {
  tag: OfferedTag;
  bound: string;
  fitting: string[];
  chosen: string | undefined;
  choose: (name: string) => void;
}

function TagChoice({ tag, bound, fitting, chosen, choose }: ChoiceProps) {
  // what is bound stays to be chosen, whether it fits or not
  const names = bound === '' || fitting.includes(bound) ? fitting : [bound, ...fitting];
  return (
    <select
      class="filter-choice"
      aria-label={`What ${tag.name} is`}
      data-testid={`choice-${tag.name}`}
      value={chosen ?? bound}
      onChange={(event) => choose(event.currentTarget.value)}
    >
      <option value="">nothing</option>
      {names.map((name) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  );
}
