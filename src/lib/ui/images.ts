// How ui components reach stored pictures without knowing storage: the layout provides one of these in a context.
import { createContext } from 'svelte';

export interface ImageUrls {
  /** An object URL at once when it is already made, else undefined. Does not hold it. */
  peek(hash: string): string | undefined;
  /** An object URL for the thumbnail (the image itself where that is small), held until released. */
  acquire(hash: string): Promise<string>;
  /** Every acquire is paired with one release; the URL may then be revoked. */
  release(hash: string): void;
}

export const [getImageUrls, setImageUrls] = createContext<ImageUrls>();
