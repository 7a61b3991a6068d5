// Puts functions together into a WebAssembly module that imports its memory, so that it can work inside another module's.

import { section, text, unsigned, vector } from './encoding';
import type { FunctionDefinition } from './function-builder';

const MAGIC_AND_VERSION = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
/** 4 GiB: what tfjs's threaded build declares, and an import may not ask for less. */
const MAXIMUM_PAGES = 65_536;

/** The module's bytes. `shared` must say whether the memory it will get is a shared one. It imports `env.memory`. */
export function encodeModule(
  functions: Readonly<Record<string, FunctionDefinition>>,
  shared: boolean,
): Uint8Array<ArrayBuffer> {
  const names = Object.keys(functions);
  const types = names.map((name) => [0x60, ...vector(functions[name].parameterTypes.map((type) => [type])), 0]);
  const limits = shared ? [3, 1, ...unsigned(MAXIMUM_PAGES)] : [0, 1];
  return Uint8Array.from([
    ...MAGIC_AND_VERSION,
    ...section(1, vector(types)),
    ...section(2, vector([[...text('env'), ...text('memory'), 2, ...limits]])),
    ...section(3, vector(names.map((_, index) => unsigned(index)))),
    ...section(7, vector(names.map((name, index) => [...text(name), 0, ...unsigned(index)]))),
    ...section(10, vector(names.map((name) => functions[name].body))),
  ]);
}
