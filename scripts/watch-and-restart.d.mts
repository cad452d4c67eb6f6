import type { BuildOptions } from 'esbuild';

export function watchAndRestart(options: {
  readonly buildOptions: BuildOptions;
  /** Arguments for node: options, the built file, and the arguments of the program. */
  readonly args: readonly string[];
  readonly print: (line: string) => void;
}): Promise<() => Promise<void>>;
