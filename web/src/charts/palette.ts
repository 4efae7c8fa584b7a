/** The colours of the charts, read from the style sheet so that they follow the theme. */
import type { Trace } from '../plan';

export interface Palette {
  ink: string;
  grid: string;
  /** Told apart by `hueOf`. */
  hues: string[];
  statistic: string;
  limit: string;
  held: string;
  heldFill: string;
  /** Where an innovation is ordinary. */
  calm: string;
  shade: string;
  shadeEdge: string;
}

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: colour('muted'),
    grid: colour('grid'),
    hues: HUES.map(colour),
    statistic: colour('statistic'),
    limit: colour('limit'),
    held: colour('held'),
    heldFill: colour('held-fill'),
    calm: colour('calm'),
    shade: colour('shade'),
    shadeEdge: colour('shade-edge'),
  };
}

export const hueOf = ({ hues, ink }: Palette, { hue }: Trace): string => hues[hue % hues.length] ?? ink;

/** The custom property with the colour of a trace, for what is drawn in HTML. */
export function colourOf({ role, hue }: Trace): string {
  const isNamed = role === 'statistic' || role === 'limit' || role === 'held';
  return `var(--${isNamed ? role : HUES[hue % HUES.length]})`;
}

/** After Okabe and Ito: told apart with any kind of colour vision. Marks and legends differ too. */
const HUES = ['hue-1', 'hue-2', 'hue-3', 'hue-4', 'hue-5'];
