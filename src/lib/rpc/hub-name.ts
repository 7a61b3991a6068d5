// How the weights worker hears of a hub that replaces the build's: by its name, for nothing else is there before its first message.

const NAME = 'weights';

/** `hub`: 'BASE [ORIGIN ...]', '' for the build's. */
export function weightsWorkerName(hub: string): string {
  return hub === '' ? NAME : `${NAME} ${hub}`;
}

/** The reverse; undefined where the build's hub holds. */
export function hubOfWorker(name: string): string | undefined {
  return name.startsWith(`${NAME} `) ? name.slice(NAME.length + 1) : undefined;
}
