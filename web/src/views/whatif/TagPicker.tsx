/** One value out of many, by typing a part of its name. */
interface Props {
  /** Of its list; alone of this name on the page. */
  id: string;
  label: string;
  tags: string[];
  pick: (tag: string) => void;
}

export function TagPicker({ id, label, tags, pick }: Props) {
  const take = (input: HTMLInputElement) => {
    if (!tags.includes(input.value)) return;
    pick(input.value);
    input.value = '';
  };
  return (
    <>
      <input
        class="tag-picker"
        list={`tags-${id}`}
        data-testid={`pick-${id}`}
        placeholder={`${label} …`}
        aria-label={label}
        autocomplete="off"
        onInput={(event) => take(event.currentTarget)}
      />
      <datalist id={`tags-${id}`}>
        {tags.map((tag) => (
          <option key={tag} value={tag} />
        ))}
      </datalist>
    </>
  );
}
