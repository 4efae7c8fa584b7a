/** Whether text can be read: its contrast against what lies behind it, as WCAG 2 measures it. */
import type { Page } from 'playwright-core';

export interface Faint {
  text: string;
  class: string;
  contrast: number;
}

/** The texts of the page that stand out less than they must: 4.5 to 1, large ones 3 to 1. What is disabled is exempt. */
export const findFaint = (page: Page): Promise<Faint[]> => page.evaluate(faintTexts);

// runs in the page, so it brings all that it needs
function faintTexts(): Faint[] {
  type Colour = [red: number, green: number, blue: number, alpha: number];
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });

  const read = (text: string): Colour => {
    if (canvas === null) throw new Error('there is no canvas');
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [red = 0, green = 0, blue = 0, alpha = 0] = canvas.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const over = (top: Colour, below: Colour): Colour => {
    const mix = (index: 0 | 1 | 2) => top[index] * top[3] + below[index] * (1 - top[3]);
    return [mix(0), mix(1), mix(2), 1];
  };
  const groundOf = (element: Element | null): Colour => {
    if (element === null) return [255, 255, 255, 1];
    const own = read(getComputedStyle(element).backgroundColor);
    return own[3] === 1 ? own : over(own, groundOf(element.parentElement));
  };
  const luminance = ([red, green, blue]: Colour) => {
    const [r, g, b] = [red, green, blue].map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);
  };
  const contrastOf = (element: Element) => {
    const ground = groundOf(element);
    const ink = over(read(getComputedStyle(element).color), ground);
    const [low, high] = [luminance(ink), luminance(ground)].sort((a, b) => a - b);
    return ((high ?? 0) + 0.05) / ((low ?? 0) + 0.05);
  };

  const faint: Faint[] = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent?.trim() ?? '';
    const element = walker.currentNode.parentElement;
    if (text === '' || element === null || element.closest(':disabled, [data-refused="true"], option') !== null)
      continue;
    const box = element.getBoundingClientRect();
    if (box.width <= 1 || box.height <= 1 || element.namespaceURI !== 'http://www.w3.org/1999/xhtml') continue;

    const style = getComputedStyle(element);
    const size = Number.parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const contrast = contrastOf(element);
    if (contrast < (isLarge ? 3 : 4.5)) faint.push({ text: text.slice(0, 40), class: element.className, contrast });
  }
  return faint;
}
