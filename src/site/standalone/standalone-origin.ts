/**
 * The origin (SP) as a process of its own (mission, requirement 5): it cuts streams out of the uploads, which it reads from
 * the data directory that it shares with web.
 */
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError } from '../../kernel/config/config-error.ts';
import { findStats } from '../../kernel/files.ts';
import { keyPath, readIdentity } from '../../kernel/identity/member.ts';
import { repeat } from '../../kernel/lifecycle/repeat.ts';
import { createLog } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import { RightsState, readRightsFile } from '../../kernel/rights/rights-state.ts';
import { openDatabase } from '../../kernel/sql/sql.ts';
import { openOrigin } from '../compose/open-origin.ts';
import type { RunningSite } from '../compose/running-site.ts';
import type { SiteConfig } from '../config.ts';
import { type SiteSchema, siteMigrations } from '../database/schema.ts';
import { openStorage } from '../media/storage/storage.ts';
import { createSiteRights, RIGHTS_FILE } from '../rights/site-rights.ts';

const LOOK_MS = 200;

/** @throws ConfigError without PostgreSQL: an embedded database is one process's own */
export async function startStandaloneOrigin(config: SiteConfig): Promise<RunningSite> {
  if (!config.database) throw new ConfigError('Parts that run apart need a PostgreSQL "database".');
  const log = createLog('origin', config.logLevel);
  // The key is web's to make: two that begin together would each make one.
  while (!existsSync(keyPath(config.dataDirectory))) await sleep(LOOK_MS);
  const { key } = await readIdentity(config.dataDirectory);
  // Web writes what is private, the keys too, into the directory that both have.
  const rightsPath = join(config.dataDirectory, RIGHTS_FILE);
  while (!existsSync(rightsPath)) await sleep(LOOK_MS);
  const book = RightsState.open(rightsPath);
  let readAtMs = 0;
  const reading = repeat(async () => {
    const changedMs = (await findStats(rightsPath))?.mtimeMs ?? 0;
    if (changedMs === readAtMs) return LOOK_MS;
    try {
      book.restore(readRightsFile(rightsPath));
      readAtMs = changedMs;
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'what is private was not read');
    }
    return LOOK_MS;
  });
  const db = await openDatabase<SiteSchema>(config.database, siteMigrations);
  const origin = await openOrigin(config, {
    db,
    storage: await openStorage(config),
    key: () => key,
    rights: createSiteRights(book, log),
  });
  const { port } = origin.server.address() as AddressInfo;
  log.info(
    { listen: `${config.originListen.host}:${port}`, data: join(config.dataDirectory) },
    'origin is up',
  );
  return {
    url: origin.url,
    async stop() {
      await reading.stop();
      await origin.stop();
      await db.destroy();
    },
  };
}
