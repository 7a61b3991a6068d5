// The one error of weights files that cannot be read, and how other errors become it.

import { TrainyardError } from '$lib/core/errors';

/** `found` continues the sentence that the file's name begins: 'is damaged: ...'. */
export function unreadable(
  name: string,
  found: string,
  hint = 'Download or save the file again.',
  cause?: unknown,
): TrainyardError {
  return new TrainyardError('weights-unreadable', `The weights "${name}" ${found}.`, hint, { cause });
}

/** An error of the reader of a container (zip, safetensors) as `weights-unreadable` that names the file. Faults of the program stay. */
export function asUnreadable(name: string, error: unknown): unknown {
  if (!(error instanceof TrainyardError) || error.code === 'weights-unreadable') return error;
  return unreadable(name, `cannot be read: ${error.message.replace(/\.$/, '')}`, error.hint, error);
}

/** Text from a file as it is shown: files may hold names of any length. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}
