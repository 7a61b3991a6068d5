// Asks for lasting storage. For the page alone: workers may not ask.

/** Asks the browser to keep our data under disk pressure. It may decide without asking the person; true when granted. */
export async function persist(): Promise<boolean> {
  return (await navigator.storage.persisted()) || (await navigator.storage.persist());
}
