/** Who acts in a case: two switches, where the plant's script has what they are about. Handlers command controllers, so they are offered where there are both. */
import type { Acts } from '../../protocol';

interface Props {
  acts: Acts;
  index: number;
  /** What the plant's script has. */
  can: Acts;
  turn: (turned: Partial<Acts>) => void;
}

export function ActsForm({ acts, index, can, turn }: Props) {
  if (!can.control && !acts.control) return null;
  return (
    <div class="case-acts">
      <Switch
        text="the controllers act"
        testid={`control-${index}`}
        isOn={acts.control}
        turn={(control) => turn({ control })}
      />
      {(can.handlers || acts.handlers) && (
        <Switch
          text="the handlers act"
          testid={`handlers-${index}`}
          isOn={acts.handlers}
          turn={(handlers) => turn({ handlers })}
        />
      )}
      {index === 0 && (
        <small id="acts-meaning">{can.handlers ? `${CONTROL_MEANS}; ${HANDLERS_MEAN}.` : `${CONTROL_MEANS}.`}</small>
      )}
    </div>
  );
}

const CONTROL_MEANS = 'Controllers do what the plant’s do, and obey commands';
const HANDLERS_MEAN = 'handlers command them, in the forecast alone';

interface SwitchProps {
  text: string;
  testid: string;
  isOn: boolean;
  turn: (isOn: boolean) => void;
}

const Switch = ({ text, testid, isOn, turn }: SwitchProps) => (
  <label>
    <input
      type="checkbox"
      aria-describedby="acts-meaning"
      data-testid={testid}
      checked={isOn}
      onChange={(event) => turn(event.currentTarget.checked)}
    />{' '}
    {text}
  </label>
);
