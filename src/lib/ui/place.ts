// Puts a floating element beside its anchor: flips where there is no room, never leaves the window. No dependency needed for that.

export type Side = 'bottom' | 'top' | 'right' | 'left';
export type Align = 'start' | 'center' | 'end';

export interface Placement {
  side?: Side;
  align?: Align;
  /** Pixels between anchor and element. */
  gap?: number;
}

const MARGIN = 8;
const OPPOSITE: Record<Side, Side> = { bottom: 'top', top: 'bottom', right: 'left', left: 'right' };

/** Sets left and top of `floating`, which must be position: fixed and shown (its size is measured). */
export function place(anchor: Element, floating: HTMLElement, placement: Placement = {}): void {
  const { side = 'bottom', align = 'start', gap = 4 } = placement;
  const a = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = floating;
  const room: Record<Side, number> = {
    bottom: innerHeight - a.bottom - gap - height,
    top: a.top - gap - height,
    right: innerWidth - a.right - gap - width,
    left: a.left - gap - width,
  };
  const used = room[side] < MARGIN && room[OPPOSITE[side]] > room[side] ? OPPOSITE[side] : side;
  let left: number;
  let top: number;
  if (used === 'bottom' || used === 'top') {
    top = used === 'bottom' ? a.bottom + gap : a.top - gap - height;
    left = align === 'start' ? a.left : align === 'end' ? a.right - width : a.left + (a.width - width) / 2;
  } else {
    left = used === 'right' ? a.right + gap : a.left - gap - width;
    top = align === 'start' ? a.top : align === 'end' ? a.bottom - height : a.top + (a.height - height) / 2;
  }
  floating.style.left = `${clamp(left, MARGIN, innerWidth - width - MARGIN)}px`;
  floating.style.top = `${clamp(top, MARGIN, innerHeight - height - MARGIN)}px`;
}

/** Where both cannot be kept (wider than the window) the start wins. */
function clamp(value: number, low: number, high: number): number {
  return Math.round(Math.max(low, Math.min(value, high)));
}
