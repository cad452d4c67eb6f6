/** What every command is: each stands in a file of its own, which is loaded when it is asked for. */

export interface Given {
  /** The configuration: the one named, else of the environment, else the one that lies here. */
  readonly config: string;
  /** It was named. */
  readonly isConfigNamed: boolean;
  /** Where a backup goes. */
  readonly to: string | undefined;
  /** nginx instead of the site's own buffer, not before it. */
  readonly instead: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What starts this command again, for a process of its own. */
  readonly command: readonly [string, ...string[]];
  /** The built pages. */
  readonly uiDirectory: string;
  /** The bundled worker that checks sources. */
  readonly prepareWorker: URL;
}

export interface Running {
  stop(): Promise<void>;
}

/** @returns what runs until it is stopped, or the exit code. @throws ConfigError */
export type Command = (given: Given) => Promise<Running | number>;
