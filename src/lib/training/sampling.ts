// Which images an epoch sees where classes are unequally frequent: weighted drawing with replacement. Arithmetic only.

import { stream } from '$lib/core/random';
import type { Job } from '$lib/job/job';

export type Sampling = Job['training']['sampling'];

/**
 * Item indices of an epoch, as many as there are items. 'balanced' draws a class first, each as likely, 'square_root' each by the
 * root of its frequency; then one of its images, in an order drawn anew whenever all of them were had, so that the images of a rare
 * class are repeated equally often (differing by at most one within an epoch). The stream is (seed, 'sampling', epoch): an epoch
 * does not depend on those before it. 'shuffle' is no case of this: see pipeline/order.
 */
export function sampledOrder(
  strata: readonly number[],
  sampling: Exclude<Sampling, 'shuffle'>,
  seed: number,
  epoch: number,
): Uint32Array {
  const random = stream(seed, 'sampling', epoch);
  const members = new Map<number, number[]>();
  strata.forEach((stratum, index) => {
    const own = members.get(stratum);
    if (own === undefined) members.set(stratum, [index]);
    else own.push(index);
  });
  const classes = [...members.entries()].sort(([a], [b]) => a - b).map(([, own]) => new Deck(own, random));
  const weights = classes.map(({ size }) => (sampling === 'balanced' ? 1 : Math.sqrt(size)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return Uint32Array.from(strata, () => {
    let left = random() * total;
    const drawn = weights.findIndex((weight) => (left -= weight) < 0);
    // Rounding may leave a last crumb that belongs to nobody.
    return classes[drawn === -1 ? classes.length - 1 : drawn].draw();
  });
}

/** Dealt to its end before it is shuffled again. */
class Deck {
  readonly size: number;
  readonly #cards: number[];
  readonly #random: () => number;
  #left = 0;

  constructor(cards: readonly number[], random: () => number) {
    this.size = cards.length;
    this.#cards = [...cards];
    this.#random = random;
  }

  draw(): number {
    if (this.#left === 0) this.#left = this.#cards.length;
    const at = Math.floor(this.#random() * this.#left--);
    const card = this.#cards[at];
    this.#cards[at] = this.#cards[this.#left];
    this.#cards[this.#left] = card;
    return card;
  }
}
