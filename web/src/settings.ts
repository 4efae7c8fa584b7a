/** What the browser remembers between visits: theme, operator, and the twin in the address. */
import type { Theme } from './state';

const THEME = 'pollux.theme';
const OPERATOR = 'pollux.operator';

/** The theme that was chosen, else the one of the system. */
export function keptTheme(): Theme {
  const kept = read(THEME);
  if (kept === 'light' || kept === 'dark') return kept;
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}

export function keptOperator(): string {
  return read(OPERATOR) ?? '';
}

/** `#twin=tank1`, so that a twin can be bookmarked. */
export function keptTwin(): string | null {
  return new URLSearchParams(location.hash.slice(1)).get('twin');
}

export const keep = {
  theme: (theme: Theme): void => write(THEME, theme),
  operator: (name: string): void => write(OPERATOR, name),
  twin: (name: string): void => history.replaceState(null, '', `#${new URLSearchParams({ twin: name })}`),
};

// a browser may forbid storage; the page then forgets, and works
function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    return;
  }
}
