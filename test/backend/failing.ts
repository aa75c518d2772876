import type { Backend } from '../../src/backend/backend.ts';

/** An engine whose device is lost: its `step`th run (from 1) of a program with state fails, and all that follow. */
export function failingAt(backend: Backend, step: number, message = 'the device is gone'): Backend {
  return {
    ...backend,
    async compile(program) {
      const compiled = await backend.compile(program);
      if (program.state.length === 0) return compiled;
      let runs = 0;
      return {
        ...compiled,
        async run(feeds, options) {
          if (++runs >= step) throw new Error(message);
          return compiled.run(feeds, options);
        },
      };
    },
  };
}
