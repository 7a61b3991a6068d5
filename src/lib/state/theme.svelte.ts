// Light, dark or as the system says; written to <html data-theme>, which app.css reads.
import { readPreference, writePreference } from './preference';

export const THEMES = ['system', 'light', 'dark'] as const;
export type ThemeChoice = (typeof THEMES)[number];

export class Theme {
  choice = $state<ThemeChoice>(readPreference('theme', THEMES, 'system'));

  constructor() {
    this.#apply();
  }

  set(choice: ThemeChoice): void {
    this.choice = choice;
    writePreference('theme', choice);
    this.#apply();
  }

  #apply(): void {
    if (this.choice === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = this.choice;
  }
}
