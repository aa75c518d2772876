/** What went wrong, as data; the command line turns it into text and an exit status. */
export interface GanletErrorOptions {
  /** What the user can do about it, one sentence. */
  hint?: string;
  cause?: unknown;
}

/**
 * An error the user can act on. `message` states what must hold and what was found, in the user's words
 * (file, line and column for recipes, node name for graphs); `hint` says what to do.
 *
 * `new GanletError('RECIPE_INVALID', 'quick.yaml:4:9  data.size must be a positive integer, got "big"')`
 */
export class GanletError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: GanletErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'GanletError';
    this.code = code;
    this.hint = options.hint;
  }
}
