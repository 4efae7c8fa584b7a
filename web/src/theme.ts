/** Light or dark: what a person has chosen, or what the computer says. */
import type { State, Theme } from './state';

const DARK = '(prefers-color-scheme: dark)';

export const systemTheme = (): Theme => (matchMedia(DARK).matches ? 'dark' : 'light');

/** Bring the page into the theme that is chosen. */
export function showTheme(state: State): void {
  state.theme = state.themeChoice === 'system' ? systemTheme() : state.themeChoice;
  document.documentElement.dataset.theme = state.theme;
}

export const followSystemTheme = (changed: () => void): void => matchMedia(DARK).addEventListener('change', changed);
