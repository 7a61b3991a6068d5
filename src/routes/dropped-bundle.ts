// Hands a bundle that was dropped anywhere to the predict page. Files cannot travel in an address.
let waiting: File | null = null;

export const droppedBundle = {
  set(file: File): void {
    waiting = file;
  },
  /** The file, once. */
  take(): File | null {
    const file = waiting;
    waiting = null;
    return file;
  },
};
