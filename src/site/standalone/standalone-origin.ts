/**
 * The origin in its own process: it cuts streams from the uploads, which it reads from the data directory that it shares
 * with web.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError } from '../../kernel/config/config-error.ts';
import { lockDirectory } from '../../kernel/directory-lock.ts';
import { findStats } from '../../kernel/files.ts';
import type { KeyPair } from '../../kernel/identity/keys.ts';
import { type Lifetime, startPart } from '../../kernel/lifecycle/lifetime.ts';
import { memberLoop } from '../../kernel/lifecycle/member-loop.ts';
import { createLog, type Log } from '../../kernel/log.ts';
import { keyPath, readIdentity } from '../../kernel/membership/member.ts';
import { RightsState, readRightsFile } from '../../kernel/rights/rights-state.ts';
import { openSiteDatabase } from '../compose/core.ts';
import { openOrigin } from '../compose/origin.ts';
import type { RunningSite } from '../compose/running-site.ts';
import type { SiteConfig } from '../config.ts';
import { openStorage } from '../media/storage/storage.ts';
import { createSiteRights, RIGHTS_FILE } from '../rights/site-rights.ts';

const POLL_MS = 200;

/** @throws ConfigError without PostgreSQL, because only one process can use an embedded database */
export async function startStandaloneOrigin(config: SiteConfig): Promise<RunningSite> {
  if (!config.database) throw new ConfigError('Standalone parts need a PostgreSQL "database".');
  const log = createLog('origin', config.logLevel);
  return startPart({ part: 'origin', log }, async lifetime => {
    await lockDirectory(config.dataDirectory, 'origin', lifetime);
    const rightsPath = join(config.dataDirectory, RIGHTS_FILE);
    // Web creates the key and the file of rights. If both processes created a key, there would be two.
    await waitForFile(keyPath(config.dataDirectory));
    await waitForFile(rightsPath);
    const key = await followKey(config.dataDirectory, log, lifetime);
    const state = followRightsFile(rightsPath, log, lifetime);
    const db = await openSiteDatabase(config, lifetime);
    const storage = await openStorage(config);
    const { url } = await openOrigin(
      config,
      { db, storage, key, rights: createSiteRights(state, log) },
      lifetime,
    );
    log.info({ listen: url, data: config.dataDirectory }, 'origin is up');
    return { url };
  });
}

async function waitForFile(path: string): Promise<void> {
  while (!existsSync(path)) await sleep(POLL_MS);
}

/** Reads the key again after web has joined with a new one. */
async function followKey(directory: string, log: Log, lifetime: Lifetime): Promise<() => KeyPair> {
  let { key } = await readIdentity(directory);
  let readMs = (await findStats(keyPath(directory)))?.mtimeMs;
  const loop = memberLoop(
    { name: 'reading the key', peer: () => directory, everyMs: POLL_MS, log },
    async () => {
      const changedMs = (await findStats(keyPath(directory)))?.mtimeMs;
      if (changedMs !== undefined && changedMs !== readMs) {
        ({ key } = await readIdentity(directory));
        readMs = changedMs;
      }
      return undefined;
    },
  );
  lifetime.add('key', loop.stop);
  return () => key;
}

/** Reads the rights again each time web has written its file. */
function followRightsFile(path: string, log: Log, lifetime: Lifetime): RightsState {
  const state = RightsState.open(path);
  let readMs = 0;
  const loop = memberLoop(
    { name: 'reading the file of rights', peer: () => path, everyMs: POLL_MS, log },
    async () => {
      const changedMs = (await findStats(path))?.mtimeMs ?? 0;
      if (changedMs !== readMs) {
        state.restore(readRightsFile(path));
        readMs = changedMs;
      }
      return undefined;
    },
  );
  lifetime.add('rights', loop.stop);
  return state;
}
