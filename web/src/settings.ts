/** What the browser remembers between visits: the theme, the operator's name, whether alarms sound. */

/** What a person has chosen; `system` follows the computer. */
export const THEME_CHOICES = ['system', 'light', 'dark'] as const;

export type ThemeChoice = (typeof THEME_CHOICES)[number];

const THEME = 'pollux.theme';
const OPERATOR = 'pollux.operator';
const SOUND = 'pollux.sound';

export const kept = {
  theme: (): ThemeChoice => THEME_CHOICES.find((choice) => choice === read(THEME)) ?? 'system',
  operator: (): string => read(OPERATOR) ?? '',
  isSounding: (): boolean => read(SOUND) === 'on',
};

export const keep = {
  theme: (choice: ThemeChoice): void => write(THEME, choice),
  operator: (name: string): void => write(OPERATOR, name),
  sound: (isOn: boolean): void => write(SOUND, isOn ? 'on' : 'off'),
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
