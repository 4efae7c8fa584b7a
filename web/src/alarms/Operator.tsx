/** Where nobody has to log in, whoever does something about alarms says who they are. */
import type { PageProps } from '../pages';

export function Operator({ state, actions }: PageProps) {
  if (state.access?.user != null) return null;
  return (
    <label class="operator" title="What you do about alarms is recorded under this name">
      <span>as</span>
      <input
        value={state.operator}
        placeholder="dashboard"
        maxLength={40}
        autocomplete="off"
        aria-label="Your name, for the record"
        onInput={(event) => actions.nameOperator(event.currentTarget.value)}
      />
    </label>
  );
}
