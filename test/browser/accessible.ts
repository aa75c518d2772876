import type { Page } from 'playwright-core';

/** Texts of a page whose contrast with what is behind them is below WCAG's AA (4.5, or 3 for large ones), in one theme. */
export async function lowContrast(page: Page, colorScheme: 'light' | 'dark'): Promise<string[]> {
  await page.emulateMedia({ colorScheme });
  return page.evaluate<string[]>(`(() => {
    const read = (color) => {
      const [r, g, b, a = 1] = color.match(/[\\d.]+/g).map(Number);
      return { rgb: [r, g, b], a };
    };
    const luminance = (rgb) => {
      const [r, g, b] = rgb.map((x) => x / 255).map((x) => (x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const { rgb, a } = read(getComputedStyle(at).backgroundColor);
        if (a > 0.99) return rgb;
      }
      return [255, 255, 255];
    };
    const problems = [];
    for (const element of document.querySelectorAll('body *')) {
      const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '');
      if (!own || !element.checkVisibility() || element.matches('script, style, title, :disabled')) continue;
      const style = getComputedStyle(element);
      const { rgb } = read(element instanceof SVGElement ? style.fill : style.color);
      const [a, b] = [luminance(rgb), luminance(behind(element))].sort((x, y) => y - x);
      const ratio = (a + 0.05) / (b + 0.05);
      const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
      if (ratio < (large ? 3 : 4.5)) problems.push(element.textContent.trim().slice(0, 40) + ' ' + ratio.toFixed(2));
    }
    return problems;
  })()`);
}

/** Buttons, inputs and pictures of a page that have no name. */
export function nameless(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(`(() => {
    const name = (element) =>
      [element.getAttribute('aria-label'), element.getAttribute('alt'), element.textContent, element.title,
       element.closest('label')?.textContent].find((text) => text && text.trim() !== '');
    return [...document.querySelectorAll('button, input, img, canvas, a, [role=img], [role=group], [tabindex]')]
      .filter((element) => !name(element))
      .map((element) => element.outerHTML.slice(0, 80));
  })()`);
}
