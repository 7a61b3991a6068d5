// How ui components reach stored pictures without knowing storage: the layout provides one of these in a context.
import { createContext } from 'svelte';

export interface ImageUrls {
  /** An address for <img src> at once when it is already made, else undefined. Does not hold it. */
  peek(hash: string): string | undefined;
  /** The address of the thumbnail (of the image itself where that is small), held until released. */
  acquire(hash: string): Promise<string>;
  /** Every acquire is paired with one release; the address may then stop to work. */
  release(hash: string): void;
}

export const [getImageUrls, setImageUrls] = createContext<ImageUrls>();
