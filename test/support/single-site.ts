/** One site without central, as its own process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';
import { COMMAND } from './programs.ts';

export const SITE_TOKEN = 'a-token-of-this-test';

export interface SingleSite {
  readonly url: string;
  readonly pid: number;
  /** Everything that the site has logged. */
  log(): string;
  /** Ends the site. @returns its exit code; null if the signal ended it */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

export interface SingleSiteOptions {
  /** Further lines of the section `[site]`. */
  readonly settings?: string;
  /** A command that runs the site. */
  readonly wrapper?: readonly string[];
  readonly port?: number;
}

/** Starts a site with its data in `directory`/data. Resolves when it is ready. */
export async function startSingleSite(
  directory: string,
  { settings = '', wrapper = [], port }: SingleSiteOptions = {},
): Promise<SingleSite> {
  const address = `127.0.0.1:${port ?? (await freePort())}`;
  const url = `http://${address}`;
  const config = join(directory, 'site.toml');
  await writeFile(
    config,
    `[site]\nname = "Single"\nlisten = "${address}"\nbaseUrl = "${url}"\nsourceAddress = "${address}"\ndataDirectory = "${directory}/data"\noperatorToken = "${SITE_TOKEN}"\nbufferDisk = "1 MB"\nbufferMemory = "1 MB"\nworkers = 0\n${settings}`,
  );
  const [program = '', ...args] = [...wrapper, process.execPath, COMMAND, 'site', '--config', config];
  const child: ChildProcess = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    // The processes that a wrapper starts would outlive it, so they form a group that is stopped as a whole.
    detached: wrapper.length > 0,
  });
  let log = '';
  child.stderr?.on('data', chunk => {
    log += chunk;
  });
  const ended = new Promise<number | null>(done => child.once('exit', done));
  await eventually('the site is up', async () => {
    if (child.exitCode !== null) throw new Error(`The site ended: ${log.slice(-2_000)}`);
    return (await fetch(`${url}/readyz`)).ok || undefined;
  });
  return {
    url,
    pid: child.pid ?? 0,
    log: () => log,
    stop(signal = 'SIGTERM') {
      if (wrapper.length === 0) child.kill(signal);
      else if (child.exitCode === null && child.signalCode === null)
        process.kill(-(child.pid as number), signal);
      return ended;
    },
  };
}
