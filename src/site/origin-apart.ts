/**
 * The origin (SP) as a process of its own (mission, requirement 5): it cuts streams out of the uploads, which it reads from
 * the data directory that it shares with web.
 */
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigFault } from '../kernel/config.ts';
import { createLog } from '../kernel/log.ts';
import { keyPath, readIdentity } from '../kernel/member.ts';
import { openDatabase } from '../kernel/sql.ts';
import type { SiteConfig } from './config.ts';
import { type SiteSchema, siteMigrations } from './database/schema.ts';
import { openOrigin } from './open-origin.ts';
import { openStorage } from './origin/storage/open-storage.ts';
import type { RunningSite } from './running-site.ts';

const LOOK_MS = 200;

/** @throws ConfigFault without PostgreSQL: an embedded database is one process's own */
export async function startOriginApart(config: SiteConfig): Promise<RunningSite> {
  if (!config.database) throw new ConfigFault('Parts that run apart need a PostgreSQL "database".');
  const log = createLog('origin', config.logLevel);
  // The key is web's to make: two that begin together would each make one.
  while (!existsSync(keyPath(config.dataDirectory))) await sleep(LOOK_MS);
  const { key } = await readIdentity(config.dataDirectory);
  const db = await openDatabase<SiteSchema>(config.database, siteMigrations);
  const origin = await openOrigin(config, {
    db,
    storage: await openStorage(config),
    key: () => key,
  });
  const { port } = origin.server.address() as AddressInfo;
  log.info(
    { listen: `${config.originListen.host}:${port}`, data: join(config.dataDirectory) },
    'origin is up',
  );
  return {
    url: origin.url,
    async stop() {
      await origin.stop();
      await db.destroy();
    },
  };
}
