import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readOverHttp } from '../../src/central/site-reader/read-over-http.ts';
import { createHttp } from '../../src/kernel/http/server.ts';
import { readOrMakeKey } from '../../src/kernel/identity/keys.ts';
import { NonceMemory } from '../../src/kernel/identity/signatures.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { openDatabase } from '../../src/kernel/sql/sql.ts';
import { newSiteId } from '../../src/protocol/base/ids.ts';
import { type SiteSchema, siteMigrations } from '../../src/site/database/tables/schema.ts';
import { createGateway, serveGateway } from '../../src/site/http/gateway.ts';
import { freePort } from '../support/free-port.ts';
import { describeSiteReader } from './site-reader.contract.ts';

describeSiteReader('through its gateway', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tributary-reader-'));
  const db = await openDatabase<SiteSchema>(join(directory, 'site.sqlite'), siteMigrations);
  const central = await readOrMakeKey(join(directory, 'central.key'));
  const key = await readOrMakeKey(join(directory, 'site.key'));
  const id = newSiteId();
  const { app } = await createHttp({ part: 'site', log: silentLog, ready: () => undefined });
  const port = await freePort();
  const baseUrl = `http://127.0.0.1:${port}`;
  serveGateway(app, {
    gateway: createGateway(db, () => {}),
    identity: () => ({
      key,
      membership: {
        centralUrl: 'http://127.0.0.1:9',
        role: 'site',
        id,
        name: 'a',
        baseUrl,
        centralPublicKey: central.publicKey,
        trackers: [],
      },
    }),
    names: { hosts: [] },
    nonces: new NonceMemory(),
  });
  await app.listen({ host: '127.0.0.1', port });
  return {
    db,
    reader: readOverHttp({ key: central, keyId: 'central' })({
      id,
      base_url: baseUrl,
      database_url: null,
    }),
    async end() {
      await app.close();
      await db.destroy();
      await rm(directory, { recursive: true });
    },
  };
});
