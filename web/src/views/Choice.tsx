/** One of a few words, side by side. */
interface Props<Word extends string> {
  /** Of the group; alone of this name on the page. */
  name: string;
  label: string;
  of: readonly Word[];
  chosen: Word;
  choose: (word: Word) => void;
}

export function Choice<Word extends string>({ name, label, of, chosen, choose }: Props<Word>) {
  return (
    <fieldset class="segments">
      <legend class="unseen">{label}</legend>
      {of.map((word) => (
        <label key={word}>
          <input type="radio" name={name} value={word} checked={word === chosen} onChange={() => choose(word)} />
          <span>{word}</span>
        </label>
      ))}
    </fieldset>
  );
}
