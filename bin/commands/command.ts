/** The interface of every command. Each command has its own file, which is loaded only when the command runs. */

export interface Given {
  /** The path of the configuration file: from the option, else from the environment, else the default. */
  readonly config: string;
  /** True if the option `--config` was given. */
  readonly isConfigNamed: boolean;
  /** The words after the command. */
  readonly operands: readonly string[];
  /** The options with a value, by name without hyphens at the front. */
  readonly options: Readonly<Record<string, string>>;
  /** The options without a value. */
  readonly flags: ReadonlySet<string>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The program and arguments that run `tributary` in another process. */
  readonly command: readonly [string, ...string[]];
  /** How the user runs `tributary`, to be shown in instructions. */
  readonly shownCommand: string;
  /** The directory of the built pages. */
  readonly uiDirectory: string;
  /** The bundled worker that checks sources. */
  readonly prepareWorker: URL;
}

export interface Running {
  stop(): Promise<void>;
}

/** @returns a part that runs until it is stopped, or the exit code. @throws ConfigError */
export type Command = (given: Given) => Promise<Running | number>;
