// The one error type of the project. It survives a thread boundary as data; see rpc/.

export interface ErrorData {
  /** Stable, kebab-case, for tests and the troubleshooting page: 'label-missing'. */
  code: string;
  /** What failed and what was found, one sentence. */
  message: string;
  /** What to do about it, one sentence; '' when there is nothing to do. */
  hint: string;
}

/**
 * `bad-input` errors are the user's to mend (exit status 2 on the command line); everything else is ours (1).
 * A subclass is not needed: the code tells them apart.
 */
export class TrainyardError extends Error {
  readonly code: string;
  readonly hint: string;
  /** True when the input, not the program, is at fault. */
  readonly badInput: boolean;

  constructor(code: string, message: string, hint = '', options: { cause?: unknown; badInput?: boolean } = {}) {
    super(message, { cause: options.cause });
    this.name = 'TrainyardError';
    this.code = code;
    this.hint = hint;
    this.badInput = options.badInput ?? true;
  }
}

export interface SerializedError extends ErrorData {
  badInput: boolean;
  stack?: string;
}

/** Anything thrown, as data. An unknown error keeps its message and becomes `internal`. */
export function serializeError(error: unknown): SerializedError {
  if (error instanceof TrainyardError) {
    const { code, message, hint, badInput, stack } = error;
    return { code, message, hint, badInput, stack };
  }
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? error.stack : undefined;
  return {
    code: 'internal',
    message,
    hint: 'This is a fault of the program; please report it.',
    badInput: false,
    stack,
  };
}

/** The reverse of {@link serializeError}. */
export function deserializeError(data: SerializedError): TrainyardError {
  const error = new TrainyardError(data.code, data.message, data.hint, { badInput: data.badInput });
  if (data.stack !== undefined) error.stack = data.stack;
  return error;
}
