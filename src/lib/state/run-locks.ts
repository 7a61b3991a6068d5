// Tells tabs which runs live: each is a Web Lock that ends with its tab, however that ends.

const PREFIX = 'trainyard-run:';

/** Holds the run's lock until the returned function is called. */
export function holdRun(runId: string): () => void {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  void navigator.locks.request(PREFIX + runId, () => held);
  return release;
}

/** Ids of the runs that some tab trains now; `own` too, whose lock may not have been granted yet. */
export async function aliveRuns(own?: string): Promise<Set<string>> {
  const { held = [] } = await navigator.locks.query();
  const alive = held.flatMap(({ name }) => (name?.startsWith(PREFIX) ? [name.slice(PREFIX.length)] : []));
  return new Set(own === undefined ? alive : [...alive, own]);
}
