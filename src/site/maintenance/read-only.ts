/**
 * A site whose database is damaged: nothing is written, nothing is told to central, and what was published goes on being
 * served to viewers, as far as the database can still be read. Everything else is answered with what is wrong.
 */
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Kysely } from 'kysely';
import * as z from 'zod';
import { allowAnyOrigin, createHttp } from '../../kernel/http/server.ts';
import { centralClientOf } from '../../kernel/identity/central-client.ts';
import { readIdentity } from '../../kernel/identity/member.ts';
import type { Log } from '../../kernel/log.ts';
import { problem } from '../../kernel/problem.ts';
import { followRights } from '../../kernel/rights/follow-rights.ts';
import { RightsState } from '../../kernel/rights/rights-state.ts';
import { openDamagedDialect } from '../../kernel/sql/sqlite.ts';
import type { SiteId } from '../../protocol/ids.ts';
import { siteProbeSchema } from '../../protocol/site.ts';
import type { RunningSite } from '../compose/running-site.ts';
import type { SiteConfig } from '../config.ts';
import { locateRevision } from '../database/revisions.ts';
import type { SiteSchema } from '../database/schema.ts';
import { createStreamBuffer } from '../delivery/buffer.ts';
import { isMediaUrl } from '../delivery/http/media-file.ts';
import { openTls } from '../http/tls.ts';
import { CopyStore } from '../media/copy-store/copy-store.ts';
import { createOriginServer } from '../media/cut/cut.ts';
import { openStorage } from '../media/storage/storage.ts';
import { createSiteRights, RIGHTS_FILE } from '../rights/site-rights.ts';

export async function startReadOnlySite(config: SiteConfig, reason: string, log: Log): Promise<RunningSite> {
  const sentence = `The database of this site is damaged, so it only serves what it published. ${reason}`;
  log.error({ reason }, sentence);
  const storage = await openStorage(config);
  const identity = await readIdentity(config.dataDirectory);
  // It stands in a file of its own, so that it holds with the database gone.
  const book = RightsState.open(join(config.dataDirectory, RIGHTS_FILE));
  const rights = createSiteRights(book, log);
  const following = followRights({
    state: book,
    central: () => centralClientOf(identity),
    log,
  });
  const db = new Kysely<SiteSchema>({
    dialect: openDamagedDialect(join(config.dataDirectory, 'site.sqlite')),
  });
  const origin = createOriginServer({
    key: () => identity.key,
    rights,
    // They need no database.
    copies: new CopyStore(storage),
    async locate(video, revision) {
      try {
        const found = await locateRevision(db, video, revision);
        return typeof found === 'object'
          ? { directory: storage.directory(video), open: name => storage.open(video, name), ...found }
          : found;
      } catch {
        // The damage is where this revision stood.
        return undefined;
      }
    },
  });
  await new Promise<void>((resolve, reject) => {
    origin.server.once('error', reject);
    origin.server.listen(config.originListen.port, config.originListen.host, resolve);
  });
  const originPort = (origin.server.address() as AddressInfo).port;
  const buffer = await createStreamBuffer({
    siteId: () => identity.membership?.id,
    directory: join(config.dataDirectory, 'buffer'),
    memoryBytes: config.bufferMemory,
    diskBytes: config.bufferDisk,
    origin: { url: `http://${config.originListen.host}:${originPort}` },
    trackerUrl: () => identity.membership?.trackers[0],
    rights,
    log,
  });
  const tls = await openTls(config, log);
  const { app } = await createHttp({
    part: 'site',
    log,
    ready: () => sentence,
    before(request, response) {
      if (!isMediaUrl(request.url)) return false;
      buffer.handle(request, response);
      return true;
    },
    server: tls.server(buffer.fastPath),
  });
  app.get(
    '/probe',
    {
      schema: {
        querystring: z.object({ nonce: z.string().max(64).default('') }),
        response: { 200: siteProbeSchema },
      },
    },
    async (request, reply) => {
      allowAnyOrigin(reply);
      reply.header('cache-control', 'no-store');
      return {
        ...(identity.membership ? { site: identity.membership.id as SiteId } : {}),
        nonce: request.query.nonce,
        activeResponses: buffer.stats().activeResponses,
        egressBps: 0,
      };
    },
  );
  app.all('/*', { schema: { hide: true } }, () => {
    throw problem('database-damaged', sentence);
  });
  const renewal = tls.watch(app.server);
  await app.listen(config.listen);
  const { port } = app.server.address() as AddressInfo;
  return {
    url: `${tls.scheme}://${config.listen.host}:${port}`,
    async stop() {
      await renewal?.stop();
      await following.stop();
      await app.close();
      await buffer.stop();
      await origin.stop();
      await db.destroy();
    },
  };
}
