// The look that text-like controls share.
export const CONTROL =
  'pressable h-(--control) w-full min-w-0 rounded-md border border-edge bg-surface px-2.5 text-sm text-text max-sm:text-base ' +
  'hover:border-text/60 disabled:opacity-50 aria-invalid:border-bad focus-visible:outline-offset-0';
