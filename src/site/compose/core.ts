/** What all parts of a site share: its storage, database, membership and rights, and the events between its parts. */
import { join } from 'node:path';
import { type AccessGuard, createAccessGuard } from '../../kernel/access/access.ts';
import { type CredentialOptions, sessionCookieName } from '../../kernel/access/credentials.ts';
import { recordAccess } from '../../kernel/audit/access-events.ts';
import { lockDirectory } from '../../kernel/directory-lock.ts';
import { newNonce } from '../../kernel/identity/keys.ts';
import { idOwnerOf, makeVideoId } from '../../kernel/identity/video-ids.ts';
import { createEvent, type PartEvent } from '../../kernel/lifecycle/event.ts';
import type { Lifetime } from '../../kernel/lifecycle/lifetime.ts';
import type { Log } from '../../kernel/log.ts';
import { readIdentity, signerOf } from '../../kernel/membership/member.ts';
import { problem } from '../../kernel/problem.ts';
import { openReaders } from '../../kernel/sql/readers.ts';
import { openDatabase } from '../../kernel/sql/sql.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import { createSiteAudit, type SiteAudit } from '../audit/audit.ts';
import type { SiteConfig } from '../config.ts';
import { beginStart } from '../database/publication/signal.ts';
import { type SiteSchema, siteMigrations } from '../database/tables/schema.ts';
import type { SiteDatabase } from '../database/tables/videos.ts';
import { fetchUpstreams, type UpstreamResponse } from '../delivery/delivery.ts';
import { openPublicAddress, type PublicAddress } from '../http/public-address.ts';
import { isUploadPath } from '../http/uploads/uploads.ts';
import { findMediaTools, type MediaTools } from '../media/ffmpeg/ffmpeg.ts';
import type { Storage } from '../media/storage/storage.ts';
import { openStorage } from '../media/storage/storage.ts';
import { createAuthenticate } from '../people/authenticate.ts';
import { createSitePeople, type SitePeople } from '../people/people.ts';
import { type KeptLists, openCentralLists } from '../publication/central-lists.ts';
import { createMembership, type SiteMembership } from '../publication/membership.ts';
import { type OpenedRights, openRights } from '../rights/open-rights.ts';
import { RIGHTS_FILE } from '../rights/site-rights.ts';
import { createViewerTokens, type ViewerTokens } from '../rights/viewer-tokens.ts';

export interface SiteEvents {
  /** A record was written and has to be published. */
  readonly recordWritten: PartEvent;
  /** Central has acknowledged records. */
  readonly recordsPublished: PartEvent;
  /** A worker may have something to do. */
  readonly jobAdded: PartEvent;
  /** The set of copies, or the state of one, may have changed. */
  readonly copiesChanged: PartEvent;
  /** Damage in media files was found or repaired, or a check was requested. */
  readonly damageChanged: PartEvent;
  /** This site has joined central. */
  readonly joined: PartEvent;
  /** Central has reported that it cannot connect to this site. */
  readonly unreachable: PartEvent;
}

export interface SiteCore {
  readonly config: SiteConfig;
  readonly log: Log;
  readonly address: PublicAddress;
  readonly storage: Storage;
  /** Undefined if there is no usable ffmpeg. */
  readonly tools: MediaTools | undefined;
  readonly db: SiteDatabase;
  /** The same database for reading only, in other threads on SQLite. */
  readonly reads: SiteDatabase;
  readonly membership: SiteMembership;
  /** Makes the id of a new video, which belongs to this site. */
  readonly newVideoId: () => VideoId;
  readonly rights: OpenedRights;
  readonly tokens: ViewerTokens;
  /** Who makes a request, and what they may do. */
  readonly guard: AccessGuard;
  readonly credentials: CredentialOptions & { readonly cookie: string };
  readonly people: SitePeople;
  readonly audit: SiteAudit;
  readonly events: SiteEvents;
  /** Series and the operator's fields. */
  readonly lists: KeptLists;
  /** Asks the tracker with this site's signature, as is necessary for private videos. @throws Problem `not-joined` */
  readonly fetchUpstreamsSigned: (video: VideoId) => Promise<UpstreamResponse>;
}

/** @throws DamagedDatabase, StartupError or ConfigError; the caller ends `lifetime` then. */
export async function openCore(config: SiteConfig, log: Log, lifetime: Lifetime): Promise<SiteCore> {
  for (const part of config.parts) await lockDirectory(config.dataDirectory, part, lifetime);
  const address = await openPublicAddress(config, log);
  const storage = await openStorage(config);
  const tools = await findMediaTools();
  const identity = await readIdentity(config.dataDirectory);
  const db = await openSiteDatabase(config, lifetime);
  const { reads, stop: stopReaders } = openReaders(db, placeOf(config));
  lifetime.add('readers of the database', stopReaders);
  // R7: this comes first, so that no version is numbered before the handshake of this start.
  const idOwner = idOwnerOf(await beginStart(db, newNonce()));
  const credentials = {
    operatorToken: config.breakGlass ? config.operatorToken : undefined,
    cookie: sessionCookieName(config.baseUrl),
  };
  const membership = createMembership(config, config.dataDirectory, identity, log);
  const people = createSitePeople({ db, identity: membership.identity, log }, lifetime);
  const audit = createSiteAudit(
    { db, trustedProxies: config.trustedProxies, log, guard: () => guard },
    lifetime,
  );
  const guard: AccessGuard = createAccessGuard({
    authenticate: createAuthenticate({ access: config, credentials, people }),
    ...recordAccess({ ...audit, trustedProxies: config.trustedProxies }),
    origins: ({ url }) => (isUploadPath(url) ? config.uploadOrigins : []),
  });
  const rights = await openRights(join(config.dataDirectory, RIGHTS_FILE), db, log);
  const tokens = createViewerTokens({
    rights: rights.rights,
    trustedProxies: config.trustedProxies,
    record: audit.recordWatch,
  });
  rights.rights.onWatch(tokens.noteWatch);
  const lists = await openCentralLists(db);
  return {
    config,
    log,
    address,
    storage,
    tools,
    db,
    reads,
    membership,
    guard,
    credentials,
    people,
    audit,
    newVideoId: () => makeVideoId(idOwner),
    rights,
    tokens,
    lists,
    events: {
      recordWritten: createEvent(),
      recordsPublished: createEvent(),
      jobAdded: createEvent(),
      copiesChanged: createEvent(),
      damageChanged: createEvent(),
      joined: createEvent(),
      unreachable: createEvent(),
    },
    async fetchUpstreamsSigned(video) {
      const { key, membership: joined } = membership.identity();
      const url = membership.trackerUrl();
      if (!joined || url === undefined) throw problem('not-joined', 'This site knows no tracker yet.');
      return fetchUpstreams(url, joined.id, video, signerOf(key, joined));
    },
  };
}

const placeOf = ({ database, dataDirectory }: Pick<SiteConfig, 'database' | 'dataDirectory'>): string =>
  database ?? join(dataDirectory, 'site.sqlite');

/** Opens the site's database: the embedded one, unless `database` is set. */
export async function openSiteDatabase(
  { database, dataDirectory }: Pick<SiteConfig, 'database' | 'dataDirectory'>,
  lifetime: Lifetime,
): Promise<SiteDatabase> {
  const db = await openDatabase<SiteSchema>(placeOf({ database, dataDirectory }), siteMigrations);
  lifetime.add('database', () => db.destroy());
  return db;
}
