// Threads that share one call: the caller writes a call's pieces into the shared heap, everybody takes pieces until none is
// left. Lock-free; knows WebAssembly functions by index only. Used by the caller and, in helper.ts, by the others.

/** Words of the control block, 32 bits each. */
const TICKET = 0;
const DONE = 1;
const FUNCTION = 2;
const PARAMETER_COUNT = 3;
const FAILED = 4;
/** Parameters follow, as doubles: they hold every address and every float. */
const PARAMETERS_AT = 64;

export const MAXIMUM_PIECES = 48;
const MAXIMUM_PARAMETERS = 20;
export const CONTROL_BYTES = PARAMETERS_AT + MAXIMUM_PIECES * MAXIMUM_PARAMETERS * 8;

/** About ten microseconds: less than falling asleep and waking costs. */
const SPINS = 500;
const canSleep = !('document' in globalThis);

/** A module's functions in the order that indices count them. */
export type Functions = readonly ((...parameters: number[]) => void)[];

/**
 * The ticket is one word, generation << 16 | pieces << 8 | next piece, changed by compare-and-exchange alone: a thread that
 * wakes late, in the middle of the next call, cannot take a piece whose parameters are still being written.
 */
function piecesOf(ticket: number): number {
  return (ticket >>> 8) & 0xff;
}

function nextOf(ticket: number): number {
  return ticket & 0xff;
}

/** One thread's hands on the control block. */
export class TeamMember {
  private readonly words: Int32Array;
  private readonly parameters: Float64Array;

  constructor(
    memory: WebAssembly.Memory,
    address: number,
    private readonly functions: Functions,
  ) {
    // Shared memory grows in place: these views stay valid.
    this.words = new Int32Array(memory.buffer, address, PARAMETERS_AT / 4);
    this.parameters = new Float64Array(memory.buffer, address + PARAMETERS_AT, MAXIMUM_PIECES * MAXIMUM_PARAMETERS);
  }

  /** Takes pieces until none is left. Returns the ticket that it saw then. */
  private work(): number {
    for (;;) {
      const ticket = Atomics.load(this.words, TICKET);
      const piece = nextOf(ticket);
      if (piece >= piecesOf(ticket)) return ticket;
      if (Atomics.compareExchange(this.words, TICKET, ticket, ticket + 1) !== ticket) continue;
      const count = this.words[PARAMETER_COUNT];
      try {
        this.functions[this.words[FUNCTION]](...this.parameters.subarray(piece * count, (piece + 1) * count));
      } catch {
        // Told to the caller, who throws; a piece that is never done would make it wait for ever.
        Atomics.store(this.words, FAILED, 1);
      }
      if (Atomics.add(this.words, DONE, 1) + 1 === piecesOf(ticket)) Atomics.notify(this.words, DONE);
    }
  }

  /** A helper's life: work, sleep, work. Never returns; ended from outside. */
  help(): never {
    for (;;) Atomics.wait(this.words, TICKET, this.work());
  }

  /** The caller's part: offers the pieces, works too, returns when all are done. */
  run(functionIndex: number, pieces: readonly (readonly number[])[]): void {
    const count = pieces[0].length;
    if (pieces.length > MAXIMUM_PIECES || count > MAXIMUM_PARAMETERS) throw new Error('The call is too large.');
    this.words[FUNCTION] = functionIndex;
    this.words[PARAMETER_COUNT] = count;
    for (const [piece, parameters] of pieces.entries()) this.parameters.set(parameters, piece * count);
    Atomics.store(this.words, DONE, 0);
    const generation = ((Atomics.load(this.words, TICKET) >>> 16) + 1) & 0xffff;
    Atomics.store(this.words, TICKET, (generation << 16) | (pieces.length << 8));
    Atomics.notify(this.words, TICKET);
    this.work();
    for (let tries = 0; ; tries++) {
      const done = Atomics.load(this.words, DONE);
      if (done === pieces.length) break;
      // The others are in the middle of their last piece. A page may not sleep, so there it goes on looking.
      if (tries > SPINS && canSleep) Atomics.wait(this.words, DONE, done);
    }
    if (Atomics.load(this.words, FAILED) !== 0) throw new Error('A helper thread failed in a kernel.');
  }
}
