const exitStatus = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Runs `body`; Ctrl-C or a request to stop ends the process at once, with a word on how to go on. Files are
 * written whole and states saved now and then, so nothing needs to be put in order first.
 */
export async function interruptible(body: () => Promise<void>): Promise<void> {
  const stop = (signal: keyof typeof exitStatus) => {
    process.stderr.write('\ninterrupted: the same command again resumes from the last saved state\n');
    process.exit(exitStatus[signal]);
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    await body();
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}
