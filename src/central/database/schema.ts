/**
 * The centre database: members, their signals, and the catalogue. Times are milliseconds since 1970, flags are 0 and 1,
 * JSON is text: what SQLite and PostgreSQL spell alike.
 */
import type { Generated, Kysely, Migration, Selectable, Transaction } from 'kysely';
import { sql } from '../../kernel/sql/sql.ts';

interface MemberTable {
  id: string;
  role: 'site' | 'tracker';
  name: string;
  base_url: string;
  latitude: number | null;
  longitude: number | null;
  /** JSON array of network prefixes. */
  zone: string;
  /** JSON: how it counts in the trackers' choice. */
  policy: Generated<string>;
  public_key: string | null;
  join_token_hash: string | null;
  join_expires_at: number | null;
  join_used_at: number | null;
  created_at: number;
  joined_at: number | null;
  revoked_at: number | null;
  /** Where this row stands in the change feed; 0 for trackers, which the feed does not carry. */
  position: number;
  /** Up to where this tracker has registered the feed. */
  tracker_position: number;
  last_seen_at: number | null;
  last_signal_at: number | null;
  last_collected_at: number | null;
  last_error: string | null;
  last_error_code: string | null;
  /** Where central reads this site's database by SQL: the URL, sealed. Null: through its gateway. */
  database_url: string | null;
  /** Copies can be told to stand in different ones. */
  region: string | null;
  /** The operator said that it will not come back; null again once it greets. */
  lost_at: number | null;
}
export type MemberRow = Selectable<MemberTable>;

interface SignalTable {
  id: string;
  site_id: string;
  received_at: number;
  handled_at: number | null;
  /** Runs of the collector that took this signal up. 0: none has, so no run may call it handled. */
  attempts: number;
  records: number | null;
  last_error: string | null;
  error_code: string | null;
}
export type SignalRow = Selectable<SignalTable>;

interface VideoTable {
  site_id: string;
  video_id: string;
  version: number;
  hash: string;
  /** What the site says: of its own video (or that it withdrew it), or of another site's that it holds a copy of. */
  kind: Generated<'video' | 'copy' | 'gone'>;
  /** The record as JSON. */
  body: string;
  withdrawn: number;
  /** The site that the video was given to when this one was lost. */
  superseded_by: string | null;
  /** This site was given the video when its former one was lost. */
  promoted: Generated<number>;
  /** When the catalogue first had this video; edits do not move it. */
  published_at: number;
  /** Where it stands in the change feed since it last changed. */
  position: number;
  search_text: string;
  /** The name; of a withdrawn video, the last one. */
  title: string;
  /** 0: it never was private; 1: it is; 2: it was, and sites have to hear that it is no more. */
  private: Generated<number>;
}
export type VideoRow = Selectable<VideoTable>;

/** A tracker has registered the feed up to here: the first row at or behind a video's position says since when. */
interface RegistrationTable {
  position: number;
  at: number;
}

/** Positions between these two were never handed out by this history of the centre: each start of a central skips some. */
interface FeedGapTable {
  after: number;
  before: number;
}

/** How far publication has come with one site: its epoch, how complete we are, what it has carried out. */
interface PublicationTable {
  site_id: string;
  /** Highest epoch number ever given to this site. */
  epoch: Generated<number>;
  /** Nonce of the start that has it. Null: no records are taken until the site greets anew. */
  epoch_start: string | null;
  greeted_at: number | null;
  /** Why the site has to greet anew, where that is so. */
  dissolved_because: string | null;
  /** When the site's digest was last found to be ours, and of how many records. */
  complete_at: number | null;
  complete_records: number | null;
  /** When the digests were last found to differ; null once they are the same again. */
  differed_at: number | null;
  /** Up to where in the feed this site has carried out withdrawals, and when it last asked. */
  withdrawals: Generated<number>;
  withdrawals_at: number | null;
  /** How the site reads strangers' films, as it said when it last greeted: JSON; null where it has no ffmpeg. */
  conversion: string | null;
}
export type PublicationRow = Selectable<PublicationTable>;

/** Who may do a thing that only one process should do at a time. */
interface LeaseTable {
  name: string;
  holder: string;
  /** Counts the holders. Who holds an older one has lost it. */
  fence: number;
  until: number;
}

interface SightingTable {
  tracker_id: string;
  site_id: string;
  up: number;
  seen_at: number;
}

/** Masters of the keys that grants and tokens are made with (docs/private-videos.md). */
interface RightsKeyTable {
  /** From 1 to 255, and again from 1. */
  generation: number;
  /** 32 bytes in base64url, sealed. */
  sealed: string;
  created_at: number;
  /** What it signed counts until then. Null: it signs. */
  until: number | null;
}

interface GrantTable {
  /** 16 hexadecimal digits. */
  id: string;
  video_id: string;
  note: string;
  created_at: number;
  expires_at: number;
  revoked_at: number | null;
  /** Where its revocation stands in the order of all changes; 0: it was not revoked. */
  position: number;
}
export type GrantRow = Selectable<GrantTable>;

/** What a site is to hold, or is not to hold any more, as the rules had it last (docs/copies.md). */
interface PlacementTable {
  site_id: string;
  video_id: string;
  wanted: number;
  /** `{ code, text }`, JSON. */
  reason: string;
  position: number;
}
export type PlacementRow = Selectable<PlacementTable>;

/** A site was lost, and this video goes to the one that holds a copy: in force once that site has published it. */
interface PromotionTable {
  video_id: string;
  from_site: string;
  to_site: string;
  promoted_at: number;
}

interface PlacementRuleTable {
  /** UUIDv7: in the order of their coming. */
  id: string;
  /** JSON. */
  body: string;
  created_at: number;
}

/** How often a video is begun: plays, fading by half in a day, as of `counted_at`. */
interface PopularityTable {
  video_id: string;
  plays: number;
  counted_at: number;
}

interface HearsayTable {
  /** UUIDv7: in the order of their coming. */
  id: string;
  tracker_id: string;
  told_at: number;
  body: string;
}

interface FeedTable {
  id: number;
  position: number;
}

export interface CentralSchema {
  members: MemberTable;
  signals: SignalTable;
  videos: VideoTable;
  registrations: RegistrationTable;
  publications: PublicationTable;
  leases: LeaseTable;
  sightings: SightingTable;
  hearsay: HearsayTable;
  placements: PlacementTable;
  promotions: PromotionTable;
  placement_rules: PlacementRuleTable;
  popularity: PopularityTable;
  feed: FeedTable;
  feed_gaps: FeedGapTable;
  rights_keys: RightsKeyTable;
  grants: GrantTable;
}
export type CentralDatabase = Kysely<CentralSchema>;
export type CentralTransaction = Transaction<CentralSchema>;

const first: Migration = {
  async up(db) {
    await db.schema
      .createTable('members')
      .addColumn('id', 'text', column => column.primaryKey())
      .addColumn('role', 'text', column => column.notNull())
      .addColumn('name', 'text', column => column.notNull())
      .addColumn('base_url', 'text', column => column.notNull())
      .addColumn('latitude', 'double precision')
      .addColumn('longitude', 'double precision')
      .addColumn('zone', 'text', column => column.notNull())
      .addColumn('public_key', 'text')
      .addColumn('join_token_hash', 'text', column => column.unique())
      .addColumn('join_expires_at', 'bigint')
      .addColumn('join_used_at', 'bigint')
      .addColumn('created_at', 'bigint', column => column.notNull())
      .addColumn('joined_at', 'bigint')
      .addColumn('revoked_at', 'bigint')
      .addColumn('position', 'bigint', column => column.notNull())
      .addColumn('tracker_position', 'bigint', column => column.notNull())
      .addColumn('last_seen_at', 'bigint')
      .addColumn('last_signal_at', 'bigint')
      .addColumn('last_collected_at', 'bigint')
      .addColumn('last_error', 'text')
      .execute();
    await db.schema.createIndex('members_feed').on('members').columns(['role', 'position']).execute();

    await db.schema
      .createTable('signals')
      .addColumn('id', 'text', column => column.primaryKey())
      .addColumn('site_id', 'text', column => column.notNull().references('members.id'))
      .addColumn('received_at', 'bigint', column => column.notNull())
      .addColumn('handled_at', 'bigint')
      .addColumn('attempts', 'integer', column => column.notNull())
      .addColumn('records', 'integer')
      .addColumn('last_error', 'text')
      .execute();
    await db.schema.createIndex('signals_newest').on('signals').columns(['received_at', 'id']).execute();
    await sql`create index signals_pending on signals (site_id, received_at) where handled_at is null`.execute(
      db,
    );

    await db.schema
      .createTable('videos')
      .addColumn('site_id', 'text', column => column.notNull().references('members.id'))
      .addColumn('video_id', 'text', column => column.notNull())
      .addColumn('version', 'bigint', column => column.notNull())
      .addColumn('hash', 'text', column => column.notNull())
      .addColumn('body', 'text', column => column.notNull())
      .addColumn('withdrawn', 'integer', column => column.notNull())
      .addColumn('published_at', 'bigint', column => column.notNull())
      .addColumn('registered_at', 'bigint')
      .addColumn('registered_version', 'bigint', column => column.notNull())
      .addColumn('position', 'bigint', column => column.notNull().unique())
      .addColumn('search_text', 'text', column => column.notNull())
      // R3: one row a video and site, whatever is repeated.
      .addPrimaryKeyConstraint('videos_key', ['site_id', 'video_id'])
      .execute();
    await db.schema.createIndex('videos_by_id').on('videos').column('video_id').execute();
    await sql`create index videos_newest on videos (published_at, video_id) where withdrawn = 0`.execute(db);
    await sql`create index videos_newest_of_site on videos (site_id, published_at, video_id) where withdrawn = 0`.execute(
      db,
    );
    // Holds only what no tracker has registered yet: asking for changes looks at these rows and no others.
    await sql`create index videos_unregistered on videos (position) where registered_version < version`.execute(
      db,
    );

    await db.schema
      .createTable('feed')
      .addColumn('id', 'integer', column => column.primaryKey())
      .addColumn('position', 'bigint', column => column.notNull())
      .execute();
    await sql`insert into feed (id, position) values (1, 0)`.execute(db);
  },
};

const publication: Migration = {
  async up(db) {
    await db.schema.alterTable('members').addColumn('last_error_code', 'text').execute();
    await db.schema.alterTable('signals').addColumn('error_code', 'text').execute();
    await db.schema
      .alterTable('videos')
      .addColumn('title', 'text', column => column.notNull().defaultTo(''))
      .execute();
    await sql`create index videos_withdrawn on videos (position) where withdrawn = 1`.execute(db);
    await db.schema
      .createTable('publications')
      .addColumn('site_id', 'text', column => column.primaryKey().references('members.id'))
      .addColumn('epoch', 'bigint', column => column.notNull().defaultTo(0))
      .addColumn('epoch_start', 'text')
      .addColumn('greeted_at', 'bigint')
      .addColumn('dissolved_because', 'text')
      .addColumn('complete_at', 'bigint')
      .addColumn('complete_records', 'bigint')
      .addColumn('differed_at', 'bigint')
      .addColumn('withdrawals', 'bigint', column => column.notNull().defaultTo(0))
      .addColumn('withdrawals_at', 'bigint')
      .execute();
    await sql`insert into publications (site_id) select id from members where role = 'site'`.execute(db);
  },
};

const sharing: Migration = {
  async up(db) {
    await db.schema.alterTable('members').addColumn('database_url', 'text').execute();
    await db.schema
      .createTable('leases')
      .addColumn('name', 'text', column => column.primaryKey())
      .addColumn('holder', 'text', column => column.notNull())
      .addColumn('fence', 'bigint', column => column.notNull())
      .addColumn('until', 'bigint', column => column.notNull())
      .execute();
    await db.schema
      .createTable('sightings')
      .addColumn('tracker_id', 'text', column => column.notNull())
      .addColumn('site_id', 'text', column => column.notNull())
      .addColumn('up', 'integer', column => column.notNull())
      .addColumn('seen_at', 'bigint', column => column.notNull())
      .addPrimaryKeyConstraint('sightings_key', ['tracker_id', 'site_id'])
      .execute();
  },
};

const hearsay: Migration = {
  async up(db) {
    await db.schema
      .createTable('hearsay')
      .addColumn('id', 'text', column => column.primaryKey())
      .addColumn('tracker_id', 'text', column => column.notNull())
      .addColumn('told_at', 'bigint', column => column.notNull())
      .addColumn('body', 'text', column => column.notNull())
      .execute();
  },
};

const sitePolicy: Migration = {
  async up(db) {
    await db.schema
      .alterTable('members')
      .addColumn('policy', 'text', column => column.notNull().defaultTo('{}'))
      .execute();
  },
};

const copies: Migration = {
  async up(db) {
    await db.schema.alterTable('members').addColumn('region', 'text').execute();
    await db.schema.alterTable('members').addColumn('lost_at', 'bigint').execute();
    await db.schema
      .alterTable('videos')
      .addColumn('kind', 'text', column => column.notNull().defaultTo('video'))
      .execute();
    await db.schema.alterTable('videos').addColumn('superseded_by', 'text').execute();
    await db.schema
      .alterTable('videos')
      .addColumn('promoted', 'integer', column => column.notNull().defaultTo(0))
      .execute();
    // The catalogue is of videos alone, however many copies of them there are.
    await sql`drop index videos_newest`.execute(db);
    await sql`drop index videos_newest_of_site`.execute(db);
    await sql`create index videos_newest on videos (published_at, video_id)
      where withdrawn = 0 and kind = 'video'`.execute(db);
    await sql`create index videos_newest_of_site on videos (site_id, published_at, video_id)
      where withdrawn = 0 and kind = 'video'`.execute(db);
    await db.schema
      .createTable('placements')
      .addColumn('site_id', 'text', column => column.notNull().references('members.id'))
      .addColumn('video_id', 'text', column => column.notNull())
      .addColumn('wanted', 'integer', column => column.notNull())
      .addColumn('reason', 'text', column => column.notNull())
      .addColumn('position', 'bigint', column => column.notNull())
      .addPrimaryKeyConstraint('placements_key', ['site_id', 'video_id'])
      .execute();
    await db.schema
      .createTable('promotions')
      .addColumn('video_id', 'text', column => column.primaryKey())
      .addColumn('from_site', 'text', column => column.notNull())
      .addColumn('to_site', 'text', column => column.notNull())
      .addColumn('promoted_at', 'bigint', column => column.notNull())
      .execute();
    await db.schema
      .createTable('placement_rules')
      .addColumn('id', 'text', column => column.primaryKey())
      .addColumn('body', 'text', column => column.notNull())
      .addColumn('created_at', 'bigint', column => column.notNull())
      .execute();
    await db.schema
      .createTable('popularity')
      .addColumn('video_id', 'text', column => column.primaryKey())
      .addColumn('plays', 'double precision', column => column.notNull())
      .addColumn('counted_at', 'bigint', column => column.notNull())
      .execute();
  },
};

/** What is registered follows from the position, so that nothing is written a second time for each video. */
const registrations: Migration = {
  async up(db) {
    await db.schema
      .createTable('registrations')
      .addColumn('position', 'bigint', column => column.primaryKey())
      .addColumn('at', 'bigint', column => column.notNull())
      .execute();
    // What lies behind the first unregistered video, the next tracker that asks registers again.
    await sql`
      insert into registrations (position, at)
      select max(position), max(registered_at) from videos
      where registered_at is not null
        and position < coalesce((select min(position) from videos where registered_version < version), ${Number.MAX_SAFE_INTEGER})
      having max(position) is not null`.execute(db);
    await sql`drop index videos_unregistered`.execute(db);
    await db.schema.alterTable('videos').dropColumn('registered_at').execute();
    await db.schema.alterTable('videos').dropColumn('registered_version').execute();
  },
};

const feedGaps: Migration = {
  async up(db) {
    await db.schema
      .createTable('feed_gaps')
      .addColumn('after', 'bigint', column => column.primaryKey())
      .addColumn('before', 'bigint', column => column.notNull())
      .execute();
  },
};

const rights: Migration = {
  async up(db) {
    await db.schema
      .createTable('rights_keys')
      .addColumn('generation', 'integer', column => column.primaryKey())
      .addColumn('sealed', 'text', column => column.notNull())
      .addColumn('created_at', 'bigint', column => column.notNull())
      .addColumn('until', 'bigint')
      .execute();
    await db.schema
      .createTable('grants')
      .addColumn('id', 'text', column => column.primaryKey())
      .addColumn('video_id', 'text', column => column.notNull())
      .addColumn('note', 'text', column => column.notNull())
      .addColumn('created_at', 'bigint', column => column.notNull())
      .addColumn('expires_at', 'bigint', column => column.notNull())
      .addColumn('revoked_at', 'bigint')
      .addColumn('position', 'bigint', column => column.notNull().defaultTo(0))
      .execute();
    await db.schema.createIndex('grants_by_video').on('grants').columns(['video_id', 'created_at']).execute();
    await sql`create index grants_revoked on grants (position) where position > 0`.execute(db);
  },
};

const privateVideos: Migration = {
  async up(db) {
    await db.schema
      .alterTable('videos')
      .addColumn('private', 'integer', column => column.notNull().defaultTo(0))
      .execute();
    await sql`create index videos_private on videos (position) where private > 0`.execute(db);
  },
};

const conversion: Migration = {
  async up(db) {
    await db.schema.alterTable('publications').addColumn('conversion', 'text').execute();
  },
};

export const migrations: Readonly<Record<string, Migration>> = {
  '0001-first': first,
  '0002-publication': publication,
  '0003-sharing': sharing,
  '0004-hearsay': hearsay,
  '0005-site-policy': sitePolicy,
  '0006-copies': copies,
  '0007-registrations': registrations,
  '0008-feed-gaps': feedGaps,
  '0009-private-videos': privateVideos,
  '0010-rights': rights,
  '0011-conversion': conversion,
};
