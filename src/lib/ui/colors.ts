// Colours that carry meaning in charts and galleries. They are tokens of app.css, never values, so that both themes work.

export const CLASS_COLORS = 8;

/** CSS colour of class `index`. Beyond eight they repeat: a label always stands beside a colour. */
export function classColor(index: number): string {
  return `var(--class-${((index % CLASS_COLORS) + CLASS_COLORS) % CLASS_COLORS})`;
}

export type Tone = 'neutral' | 'accent' | 'good' | 'warn' | 'bad' | 'info';

/**
 * The colour of any CSS expression as a canvas understands it. A canvas knows neither var() nor light-dark(), so an
 * element resolves it; the answer changes with the theme.
 */
export function resolveColor(element: HTMLElement, css: string): string {
  const probe = document.createElement('span');
  probe.style.display = 'none';
  probe.style.color = css;
  element.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}
