// Keys that do something now, given by the layout and the screen that is shown; the help dialog lists the same list.

export interface Shortcut {
  /** 'j', 'Space', '?', 'Mod+k' (Ctrl, or the command key on a Mac); 'g d' is g, then d. Letters without case. */
  keys: string;
  title: string;
  /** Heading in the help. */
  group: string;
  run: () => void;
}

const SEQUENCE_MS = 1_000;

class Shortcuts {
  /**
   * Beside the state, as what an effect takes back reads old values of states: of two effects that change their keys at once the one
   * would take back what the other has just added.
   */
  #all: readonly Shortcut[] = [];
  #list = $state.raw<readonly Shortcut[]>([]);
  readonly list = $derived(this.#list);
  #pending = '';
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Later ones win over earlier ones with the same keys. Returns the function that takes them back. */
  add(added: readonly Shortcut[]): () => void {
    this.#set([...this.#all, ...added]);
    return () => this.#set(this.#all.filter((one) => !added.includes(one)));
  }

  #set(all: readonly Shortcut[]): void {
    this.#all = all;
    this.#list = all;
  }

  /** For one keydown listener on the window. */
  handle(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing) return;
    const modified = event.ctrlKey || event.metaKey;
    if (event.altKey || (!modified && isTyping(event.target))) return;
    // Under a dialog the page's keys are not meant, and neither are they for a menu that is open.
    if (document.querySelector('dialog[open], [role=menu]:popover-open')) return;
    const key =
      (modified ? 'Mod+' : '') +
      (event.key === ' ' ? 'Space' : event.key.length === 1 ? event.key.toLowerCase() : event.key);
    const pressed = this.#pending === '' ? key : `${this.#pending} ${key}`;
    this.#expect('');
    const found = this.#find(pressed) ?? this.#find(key);
    if (found) {
      // Space presses the button that has the focus; it is ours only where nothing else wants it.
      if (
        key === 'Space' &&
        event.target instanceof Element &&
        event.target.closest('button, a, summary, input, [role=tab]')
      )
        return;
      event.preventDefault();
      found.run();
    } else if (this.#all.some(({ keys }) => keys.startsWith(`${key} `))) {
      this.#expect(key);
    }
  }

  #find(keys: string): Shortcut | undefined {
    return this.#all.findLast((one) => one.keys === keys);
  }

  #expect(key: string): void {
    clearTimeout(this.#timer);
    this.#pending = key;
    if (key !== '') this.#timer = setTimeout(() => (this.#pending = ''), SEQUENCE_MS);
  }
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement)
    return true;
  return target instanceof HTMLInputElement && !['checkbox', 'radio', 'range', 'button', 'file'].includes(target.type);
}

export const shortcuts = new Shortcuts();
