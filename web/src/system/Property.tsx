/** One fact with its name. */
import type { ComponentChildren } from 'preact';

interface PropertyProps {
  name: string;
  title?: string;
  children: ComponentChildren;
}

export function Property({ name, title, children }: PropertyProps) {
  return (
    <div title={title}>
      <dt>{name}</dt>
      <dd class="anywhere">{children}</dd>
    </div>
  );
}
