// A tooltip as an attachment: <button {@attach tooltip('Why')}>. One element serves the whole page; it adds, never replaces, a label.
import type { Attachment } from 'svelte/attachments';
import { place, type Side } from './place';

const SHOW_AFTER_MS = 350;
const CLASSES =
  'pointer-events-none fixed m-0 max-w-72 rounded-md border border-line-strong bg-raised px-2 py-1 text-xs text-text shadow-float';

let shared: HTMLElement | undefined;

function element(): HTMLElement {
  if (shared === undefined) {
    shared = document.createElement('div');
    shared.popover = 'manual';
    shared.className = CLASSES;
    // The description is on the anchor; announcing this as well would say it twice.
    shared.setAttribute('aria-hidden', 'true');
  }
  if (!shared.isConnected) document.body.append(shared);
  return shared;
}

/** Shows `text` after a moment of hovering, at once on keyboard focus. Nothing for an empty text. */
export function tooltip(text: string | undefined, side: Side = 'bottom'): Attachment<HTMLElement> {
  return (anchor) => {
    if (!text) return;
    if (anchor.getAttribute('aria-label') !== text) anchor.setAttribute('aria-description', text);
    let timer: ReturnType<typeof setTimeout> | undefined;
    let shown = false;
    const show = () => {
      const tip = element();
      tip.textContent = text;
      tip.showPopover();
      place(anchor, tip, { side, align: 'center', gap: 6 });
      shown = true;
    };
    const hide = () => {
      clearTimeout(timer);
      if (shown) shared?.hidePopover();
      shown = false;
    };
    const enter = (event: PointerEvent) => {
      if (event.pointerType !== 'mouse') return;
      clearTimeout(timer);
      timer = setTimeout(show, SHOW_AFTER_MS);
    };
    const focus = () => {
      // Not in the event's own turn: the focus may move because a dialog is just opening, and then no popover may.
      timer = setTimeout(() => {
        if (anchor.matches(':focus-visible')) show();
      });
    };
    const key = (event: KeyboardEvent) => {
      if (event.key === 'Escape') hide();
    };
    anchor.addEventListener('pointerenter', enter);
    anchor.addEventListener('pointerleave', hide);
    anchor.addEventListener('pointerdown', hide);
    anchor.addEventListener('focus', focus);
    anchor.addEventListener('blur', hide);
    anchor.addEventListener('keydown', key);
    return () => {
      hide();
      anchor.removeEventListener('pointerenter', enter);
      anchor.removeEventListener('pointerleave', hide);
      anchor.removeEventListener('pointerdown', hide);
      anchor.removeEventListener('focus', focus);
      anchor.removeEventListener('blur', hide);
      anchor.removeEventListener('keydown', key);
    };
  };
}
