/** A number that is typed: what is half typed stays as it is, though the page is drawn anew meanwhile. */
import { useState } from 'preact/hooks';

interface Props {
  label: string;
  value: number;
  onValue: (value: number) => void;
  min?: number;
  max?: number;
  testid?: string;
}

export function NumberInput({ label, value, onValue, min, max, testid }: Props) {
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <input
      type="number"
      step="any"
      aria-label={label}
      min={min}
      max={max}
      data-testid={testid}
      value={typed ?? shortest(value)}
      onInput={(event) => {
        setTyped(event.currentTarget.value);
        onValue(event.currentTarget.valueAsNumber);
      }}
      onBlur={() => setTyped(null)}
    />
  );
}

/** Without the digits that a division by 60 leaves. */
const shortest = (value: number): string => (Number.isFinite(value) ? String(Number(value.toPrecision(10))) : '');
