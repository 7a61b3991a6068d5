// A worker that helps with kernels: gets the module and the shared heap once, then works for ever.

import { TeamMember, type Functions } from './team';

/** What starts a helper. */
export interface HelperStart {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  /** Names of the module's functions, in the order that calls count them. */
  names: readonly string[];
  /** Address of the control block. */
  control: number;
}

addEventListener('message', ({ data }: MessageEvent<HelperStart>) => {
  const { exports } = new WebAssembly.Instance(data.module, { env: { memory: data.memory } });
  // The module exports functions of numbers alone, under exactly these names.
  const functions = data.names.map((name) => exports[name]) as unknown as Functions;
  const member = new TeamMember(data.memory, data.control, functions);
  postMessage('ready');
  member.help();
});
