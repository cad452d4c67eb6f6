/**
 * A site whose database is damaged. It writes nothing and sends nothing to central, but continues to serve published videos
 * to viewers, as far as the database can still be read. All other requests fail with the reason.
 */
import { join } from 'node:path';
import { Kysely } from 'kysely';
import { lockDirectory } from '../../kernel/directory-lock.ts';
import { createHttp } from '../../kernel/http/server.ts';
import { startPart } from '../../kernel/lifecycle/lifetime.ts';
import type { Log } from '../../kernel/log.ts';
import { centralClientOf } from '../../kernel/membership/central-client.ts';
import { readIdentity } from '../../kernel/membership/member.ts';
import { problem } from '../../kernel/problem.ts';
import { followRights } from '../../kernel/rights/follow-rights.ts';
import { RightsState } from '../../kernel/rights/rights-state.ts';
import { openDamagedDialect } from '../../kernel/sql/sqlite.ts';
import type { SiteId } from '../../protocol/base/ids.ts';
import type { SiteConfig } from '../config.ts';
import { locateRevision } from '../database/revisions.ts';
import type { SiteSchema } from '../database/tables/schema.ts';
import type { SiteDatabase } from '../database/tables/videos.ts';
import { isMediaUrl } from '../delivery/delivery.ts';
import { serveProbe } from '../http/probe.ts';
import { openPublicAddress } from '../http/public-address.ts';
import { CopyStore } from '../media/copy-store/copy-store.ts';
import type { OriginServerDeps } from '../media/cut/cut.ts';
import type { Storage } from '../media/storage/storage.ts';
import { openStorage } from '../media/storage/storage.ts';
import { createSiteRights, RIGHTS_FILE } from '../rights/site-rights.ts';
import { openBuffer } from './buffer.ts';
import { startOrigin } from './origin.ts';
import type { RunningSite } from './running-site.ts';

/** @param reason the damage, as a sentence */
export async function startReadOnlySite(config: SiteConfig, reason: string, log: Log): Promise<RunningSite> {
  const detail = `The database of this site is damaged, so it only serves published videos. ${reason}`;
  log.error({ reason }, detail);
  return startPart({ part: 'site', log }, async lifetime => {
    for (const part of config.parts) await lockDirectory(config.dataDirectory, part, lifetime);
    const address = await openPublicAddress(config, log);
    const storage = await openStorage(config);
    const identity = await readIdentity(config.dataDirectory);
    // The rights are in a separate file, so they survive the damage.
    const state = RightsState.open(join(config.dataDirectory, RIGHTS_FILE));
    const rights = createSiteRights(state, log);
    const following = followRights({ state, central: () => centralClientOf(identity), log });
    lifetime.add('rights', following.stop);
    const db = new Kysely<SiteSchema>({
      dialect: openDamagedDialect(join(config.dataDirectory, 'site.sqlite')),
    });
    lifetime.add('database', () => db.destroy());
    const origin = await startOrigin(
      { key: () => identity.key, rights, copies: new CopyStore(storage), locate: locateIn(db, storage) },
      config.originListen,
      lifetime,
    );
    const { buffer, load, admitSample } = await openBuffer(
      config,
      {
        siteId: () => identity.membership?.id,
        origin: { url: origin.url },
        trackerUrl: () => identity.membership?.trackers[0],
        rights,
        log,
      },
      lifetime,
    );
    const { app } = await createHttp({
      part: 'site',
      log,
      ready: () => detail,
      before(request, response) {
        if (!isMediaUrl(request.url)) return false;
        buffer.handle(request, response);
        return true;
      },
      server: address.server(buffer.fastPath),
    });
    lifetime.add('http server', () => app.close());
    serveProbe(app, () => identity.membership?.id as SiteId | undefined, load, admitSample);
    app.all('/*', { schema: { hide: true } }, () => {
      throw problem('site-read-only', detail);
    });
    return { url: await address.listen(app, lifetime) };
  });
}

const locateIn =
  (db: SiteDatabase, storage: Storage): OriginServerDeps['locate'] =>
  async (video, revision) => {
    try {
      const found = await locateRevision(db, video, revision);
      return typeof found === 'object'
        ? { directory: storage.directory(video), open: name => storage.open(video, name), ...found }
        : found;
    } catch {
      // The damage affects this revision.
      return undefined;
    }
  };
