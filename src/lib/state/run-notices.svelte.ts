// Messages of the system at the end of a run: a choice of the person, asked for only when it is switched on.
import { readPreference, writePreference } from './preference';

export class RunNotices {
  readonly supported = 'Notification' in globalThis;
  #wanted = $state(readPreference('notify', ['on', 'off'], 'off') === 'on');
  #permission = $state<NotificationPermission>(this.supported ? Notification.permission : 'denied');
  readonly on = $derived(this.#wanted && this.#permission === 'granted');
  /** The person said no to the browser; only its own settings can change that. */
  readonly refused = $derived(this.supported && this.#permission === 'denied');

  /** Call it from a click: the browser asks only then. */
  async set(on: boolean): Promise<void> {
    if (on && this.supported && this.#permission !== 'granted')
      this.#permission = await Notification.requestPermission();
    this.#wanted = on && this.#permission === 'granted';
    writePreference('notify', this.#wanted ? 'on' : 'off');
  }

  /** `onclick` brings the page to what it is about. */
  show(title: string, body: string, onclick: () => void): void {
    if (!this.on) return;
    try {
      const notice = new Notification(title, { body, tag: 'trainyard-run' });
      notice.onclick = () => {
        window.focus();
        notice.close();
        onclick();
      };
    } catch {
      // Browsers of phones allow them to service workers alone; the toast in the page remains.
    }
  }
}
