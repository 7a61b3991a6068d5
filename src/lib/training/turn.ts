// Lets the thread's other messages in (stop, decoded images) without a timer: a hidden tab slows timers to one a second.

/**
 * Resolves in a later turn of the event loop. On the WASM and CPU backends every step is computed in one go and awaiting it
 * gives way to no message; a message to ourselves does, in about 10 microseconds.
 */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
