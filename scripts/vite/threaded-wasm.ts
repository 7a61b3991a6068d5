// A Vite plugin that lets TensorFlow.js's threaded WASM start from a minified build. Needed for @tensorflow/tfjs-backend-wasm 4.22.0;
// to be deleted when that package no longer starts its threads from the text of a function.
import type { Plugin } from 'vite';

const FILE = 'wasm-out/tfjs-backend-wasm-threaded-simd.js';

// The package hands the *text* of its factory function to each thread. The text names a variable from outside the function, guarded
// by typeof; a minifier that sees the declaration drops the guard, and every thread then dies of "e is not defined". The variable is
// the address of a classic script, undefined in a module, so both places where the function reads it can do without.
const REPLACEMENTS = [
  ['typeof _scriptDir !== "undefined" && _scriptDir', 'false'],
  ['Module["mainScriptUrlOrBlob"]||_scriptDir', 'Module["mainScriptUrlOrBlob"]'],
] as const;

export function threadedWasm(): Plugin {
  return {
    name: 'trainyard-threaded-wasm',
    enforce: 'pre',
    apply: 'build',
    transform(code, id) {
      if (!id.split('?', 1)[0].replaceAll('\\', '/').endsWith(FILE)) return null;
      let changed = code;
      for (const [from, to] of REPLACEMENTS) {
        if (!changed.includes(from)) this.error(`${FILE} has changed: it no longer contains ${from}.`);
        changed = changed.replace(from, to);
      }
      return { code: changed, map: null };
    },
  };
}
