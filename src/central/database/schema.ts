/**
 * The database of central: members, their signals, and the catalogue. Times are milliseconds since 1970, flags are 0 or 1, and
 * JSON is stored as text, so that SQLite and PostgreSQL behave alike.
 */
import type { Generated, Kysely, Migration, Selectable, Transaction } from 'kysely';
import { createSearchTables, type SearchSchema } from '../../kernel/search/database/tables.ts';
import { sql } from '../../kernel/sql/sql.ts';
import type { SiteId, VideoId } from '../../protocol/base/ids.ts';
import type { Audience } from '../../protocol/people/audience.ts';
import { type CaptionsSchema, captionsMigration } from './captions/tables.ts';
import { type PeopleSchema, peopleMigration } from './people/tables.ts';
import { type PlaysSchema, playsMigration } from './plays/tables.ts';
import { type SeriesSchema, seriesMigration } from './series/tables.ts';

interface MemberTable {
  id: string;
  role: 'site' | 'tracker';
  name: string;
  base_url: string;
  latitude: number | null;
  longitude: number | null;
  /** JSON array of network prefixes. */
  zone: string;
  /** JSON: the weight of the site in the choice of the trackers. */
  policy: Generated<string>;
  public_key: string | null;
  join_token_hash: string | null;
  join_expires_at: number | null;
  join_used_at: number | null;
  created_at: number;
  joined_at: number | null;
  revoked_at: number | null;
  /** The position of this row in the change feed; 0 for trackers, which are not in the feed. */
  position: number;
  /** The position of the feed up to which this tracker has registered changes. */
  tracker_position: number;
  last_seen_at: number | null;
  last_signal_at: number | null;
  last_collected_at: number | null;
  last_error: string | null;
  last_error_code: string | null;
  /** The encrypted URL of the site's database, if central reads it by SQL. Null: through the gateway. */
  database_url: string | null;
  /** A rule can require copies in different regions. */
  region: string | null;
  /** When an operator declared the site lost; null again after its next handshake. */
  lost_at: number | null;
}
export type MemberRow = Selectable<MemberTable>;
/** The row of a member that is a site. */
export type SiteRow = MemberRow & { readonly role: 'site'; readonly id: SiteId };
export const isSite = <Row extends Pick<MemberRow, 'role' | 'id'>>(
  row: Row,
): row is Row & { readonly role: 'site'; readonly id: SiteId } => row.role === 'site';

interface SignalTable {
  id: string;
  site_id: SiteId;
  received_at: number;
  handled_at: number | null;
  /** The number of collector runs that covered this signal. While it is 0, no run may mark the signal as handled. */
  attempts: number;
  records: number | null;
  last_error: string | null;
  error_code: string | null;
}
export type SignalRow = Selectable<SignalTable>;

interface VideoTable {
  site_id: SiteId;
  video_id: VideoId;
  version: number;
  hash: string;
  /** `video`: the site's own video, possibly withdrawn. `copy`: a copy of another site's video. `gone`: no longer held. */
  kind: Generated<'video' | 'copy' | 'gone'>;
  /** The record as JSON. */
  body: string;
  /** 1: its record is a tombstone. 2: its `withdrawAt` has passed, and its site has not sent a tombstone yet. */
  withdrawn: number;
  /** The site that took over the video when this one was declared lost. */
  superseded_by: SiteId | null;
  /** 1 if this site took over the video from a lost site. */
  promoted: Generated<number>;
  /** When the video first appeared in the catalogue; edits do not change it. */
  published_at: number;
  /** The position of its last change in the change feed. */
  position: number;
  search_text: string;
  /** The name. A withdrawn video keeps its last name. */
  title: string;
  /** 0: never private. 1: private. 2: no longer private, which sites must learn. */
  private: Generated<number>;
  /** `audience` of the record if it is `internal` or `groups`. Null: as `private` says. */
  audience: Audience | null;
  owner_id: string | null;
  series_id: string | null;
  /** `publishAt` of the record while it is in the future, else 0: until then the row is like that of a private video. */
  publish_at: Generated<number>;
  /** `withdrawAt` of the record while it is in the future, else 0. */
  withdraw_at: Generated<number>;
}
export type VideoRow = Selectable<VideoTable>;

/** A tracker registered the feed up to this position at this time. A video is registered since the first row at or after its position. */
interface RegistrationTable {
  position: number;
  at: number;
}

/** Positions between these two were never assigned in this history: each start of central skips some. */
interface FeedGapTable {
  after: number;
  before: number;
}

/** The state of publication for one site: its epoch, completeness and confirmed withdrawals. */
interface PublicationTable {
  site_id: SiteId;
  /** The highest epoch number ever assigned to this site. */
  epoch: Generated<number>;
  /** The nonce of the start that owns the epoch. Null: no records are accepted until the next handshake. */
  epoch_start: string | null;
  handshake_at: number | null;
  /** Why the site must repeat the handshake, if it must. */
  invalidated_because: string | null;
  /** When the digests of the site and of central were last equal, and over how many records. */
  complete_at: number | null;
  complete_records: number | null;
  /** When the digests were found to differ; null when they are equal again. */
  differed_at: number | null;
  /** The feed position up to which this site has carried out withdrawals, and when it last asked. */
  withdrawals: Generated<number>;
  withdrawals_at: number | null;
  /** JSON: how the site isolates the decoding of media, as of its last handshake. Null if it has no ffmpeg. */
  conversion: string | null;
  /** Recognizes the video ids of this site, as of its last handshake. Null: the site has sent no secret. */
  id_owner: string | null;
  /** JSON: the processes that made handshakes with the key of this site (instances.ts). */
  instances: string | null;
}
export type PublicationRow = Selectable<PublicationTable>;

/** Leases for tasks that only one process may do at a time. */
interface LeaseTable {
  name: string;
  holder: string;
  /** Increases with each holder. A holder with an older fence has lost the lease. */
  fence: number;
  until: number;
}

interface SiteStatusReportTable {
  tracker_id: string;
  site_id: SiteId;
  up: number;
  reported_at: number;
  /** Since when this tracker does not reach the site; null while it does. */
  down_since: number | null;
  /** When the site came back after its last outage of more than `OUTAGE_MS` (placement/presence.ts). */
  returned_at: number | null;
}

/** The last report of a site on its storage (`StorageReport` as JSON). */
interface StorageReportTable {
  site_id: SiteId;
  reported_at: number;
  body: string;
}

/** The master keys from which the keys of grants and tokens are derived (docs/private-videos.md). */
interface RightsKeyTable {
  /** From 1 to 255, then again from 1. */
  generation: number;
  /** 32 bytes in base64url, encrypted. */
  encrypted_key: string;
  created_at: number;
  /** Grants of this key are accepted until then. Null: the current key. */
  until: number | null;
}

interface GrantTable {
  /** 16 hexadecimal digits. */
  id: string;
  video_id: VideoId;
  note: string;
  created_at: number;
  expires_at: number;
  revoked_at: number | null;
  /** The position of its revocation in the change feed; 0 if it was not revoked. */
  position: number;
  /** The person to whom central issued the grant by itself. Null: a link, or no person. */
  person_id: string | null;
  /**
   * The session or token with which that person asked for the grant; `operator-token` or `house-network` for a viewer without an
   * account. Null: a link.
   */
  credential_id: string | null;
  /** JSON: the origins whose pages may contain the player with this grant. Null: none. */
  embed_origins: string | null;
}
export type GrantRow = Selectable<GrantTable>;

/** What a site must hold, or no longer hold, according to the last plan (docs/copies.md). */
interface PlacementTable {
  site_id: SiteId;
  video_id: VideoId;
  wanted: number;
  /** JSON: `{ code, text }`. */
  reason: string;
  position: number;
  /** When the assignment ends, because no rule requires it any more. Null: a rule requires it. */
  ends_at: number | null;
}

/** The successor of a lost site for one video. It takes effect when the successor has published the video. */
interface PromotionTable {
  video_id: VideoId;
  from_site: SiteId;
  to_site: SiteId;
  promoted_at: number;
}

interface PlacementRuleTable {
  /** UUIDv7, so that rows sort by creation. */
  id: string;
  /** JSON. */
  body: string;
  created_at: number;
  /** When an operator removed the rule. Until its copies are deleted, the rule can be restored. */
  removed_at: number | null;
}

/** Plays of a video, decaying by half per day, as of `counted_at`. */
interface PopularityTable {
  video_id: VideoId;
  plays: number;
  counted_at: number;
}

interface PeerMeasurementTable {
  /** UUIDv7, so that rows sort by creation. */
  id: string;
  tracker_id: string;
  reported_at: number;
  body: string;
}

interface FeedTable {
  id: number;
  position: number;
}

/** Keys that were revoked or replaced, because they may have leaked. None is enrolled again. */
interface RetiredKeyTable {
  public_key: string;
  retired_at: number;
}

export interface CentralSchema extends CaptionsSchema, PeopleSchema, PlaysSchema, SearchSchema, SeriesSchema {
  members: MemberTable;
  signals: SignalTable;
  videos: VideoTable;
  registrations: RegistrationTable;
  publications: PublicationTable;
  leases: LeaseTable;
  site_status_reports: SiteStatusReportTable;
  storage_reports: StorageReportTable;
  peer_measurements: PeerMeasurementTable;
  placements: PlacementTable;
  promotions: PromotionTable;
  placement_rules: PlacementRuleTable;
  popularity: PopularityTable;
  feed: FeedTable;
  feed_gaps: FeedGapTable;
  rights_keys: RightsKeyTable;
  retired_keys: RetiredKeyTable;
  grants: GrantTable;
}
export type CentralDatabase = Kysely<CentralSchema>;
export type CentralTransaction = Transaction<CentralSchema>;

/** `text`, `integer`, `bigint` (times, positions, versions, sizes) and `double precision` mean the same on both engines. */
const initial: Migration = {
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
      .addColumn('region', 'text')
      .addColumn('policy', 'text', column => column.notNull().defaultTo('{}'))
      .addColumn('database_url', 'text')
      .addColumn('public_key', 'text')
      .addColumn('join_token_hash', 'text', column => column.unique())
      .addColumn('join_expires_at', 'bigint')
      .addColumn('join_used_at', 'bigint')
      .addColumn('created_at', 'bigint', column => column.notNull())
      .addColumn('joined_at', 'bigint')
      .addColumn('revoked_at', 'bigint')
      .addColumn('lost_at', 'bigint')
      .addColumn('position', 'bigint', column => column.notNull())
      .addColumn('tracker_position', 'bigint', column => column.notNull())
      .addColumn('last_seen_at', 'bigint')
      .addColumn('last_signal_at', 'bigint')
      .addColumn('last_collected_at', 'bigint')
      .addColumn('last_error', 'text')
      .addColumn('last_error_code', 'text')
      .execute();
    await db.schema.createIndex('members_feed').on('members').columns(['role', 'position']).execute();

    await db.schema
      .createTable('publications')
      .addColumn('site_id', 'text', column => column.primaryKey().references('members.id'))
      .addColumn('epoch', 'bigint', column => column.notNull().defaultTo(0))
      .addColumn('epoch_start', 'text')
      .addColumn('handshake_at', 'bigint')
      .addColumn('invalidated_because', 'text')
      .addColumn('complete_at', 'bigint')
      .addColumn('complete_records', 'bigint')
      .addColumn('differed_at', 'bigint')
      .addColumn('withdrawals', 'bigint', column => column.notNull().defaultTo(0))
      .addColumn('withdrawals_at', 'bigint')
      .addColumn('conversion', 'text')
      .execute();

    await db.schema
      .createTable('signals')
      .addColumn('id', 'text', column => column.primaryKey())
      .addColumn('site_id', 'text', column => column.notNull().references('members.id'))
      .addColumn('received_at', 'bigint', column => column.notNull())
      .addColumn('handled_at', 'bigint')
      .addColumn('attempts', 'integer', column => column.notNull())
      .addColumn('records', 'integer')
      .addColumn('last_error', 'text')
      .addColumn('error_code', 'text')
      .execute();
    await db.schema.createIndex('signals_newest').on('signals').columns(['received_at', 'id']).execute();
    await sql`create index signals_pending on signals (site_id, received_at) where handled_at is null`.execute(
      db,
    );

    await db.schema
      .createTable('videos')
      .addColumn('site_id', 'text', column => column.notNull().references('members.id'))
      .addColumn('video_id', 'text', column => column.notNull())
      .addColumn('kind', 'text', column => column.notNull().defaultTo('video'))
      .addColumn('version', 'bigint', column => column.notNull())
      .addColumn('hash', 'text', column => column.notNull())
      .addColumn('body', 'text', column => column.notNull())
      .addColumn('title', 'text', column => column.notNull().defaultTo(''))
      .addColumn('search_text', 'text', column => column.notNull())
      .addColumn('withdrawn', 'integer', column => column.notNull())
      .addColumn('private', 'integer', column => column.notNull().defaultTo(0))
      .addColumn('superseded_by', 'text')
      .addColumn('promoted', 'integer', column => column.notNull().defaultTo(0))
      .addColumn('published_at', 'bigint', column => column.notNull())
      .addColumn('position', 'bigint', column => column.notNull().unique())
      // Publication rule R3: one row per site and video, however often a record is repeated.
      .addPrimaryKeyConstraint('videos_key', ['site_id', 'video_id'])
      .execute();
    await db.schema.createIndex('videos_by_id').on('videos').column('video_id').execute();
    await sql`create index videos_withdrawn on videos (position) where withdrawn = 1`.execute(db);
    await sql`create index videos_private on videos (position) where private > 0`.execute(db);
    // The catalogue lists videos, not their copies.
    await sql`create index videos_newest on videos (published_at, video_id)
      where withdrawn = 0 and kind = 'video'`.execute(db);
    await sql`create index videos_newest_of_site on videos (site_id, published_at, video_id)
      where withdrawn = 0 and kind = 'video'`.execute(db);

    await db.schema
      .createTable('feed')
      .addColumn('id', 'integer', column => column.primaryKey())
      .addColumn('position', 'bigint', column => column.notNull())
      .execute();
    await sql`insert into feed (id, position) values (1, 0)`.execute(db);
    await db.schema
      .createTable('feed_gaps')
      .addColumn('after', 'bigint', column => column.primaryKey())
      .addColumn('before', 'bigint', column => column.notNull())
      .execute();
    await db.schema
      .createTable('registrations')
      .addColumn('position', 'bigint', column => column.primaryKey())
      .addColumn('at', 'bigint', column => column.notNull())
      .execute();

    await db.schema
      .createTable('leases')
      .addColumn('name', 'text', column => column.primaryKey())
      .addColumn('holder', 'text', column => column.notNull())
      .addColumn('fence', 'bigint', column => column.notNull())
      .addColumn('until', 'bigint', column => column.notNull())
      .execute();

    await db.schema
      .createTable('site_status_reports')
      .addColumn('tracker_id', 'text', column => column.notNull())
      .addColumn('site_id', 'text', column => column.notNull())
      .addColumn('up', 'integer', column => column.notNull())
      .addColumn('reported_at', 'bigint', column => column.notNull())
      .addPrimaryKeyConstraint('site_status_reports_key', ['tracker_id', 'site_id'])
      .execute();
    await db.schema
      .createTable('peer_measurements')
      .addColumn('id', 'text', column => column.primaryKey())
      .addColumn('tracker_id', 'text', column => column.notNull())
      .addColumn('reported_at', 'bigint', column => column.notNull())
      .addColumn('body', 'text', column => column.notNull())
      .execute();

    await db.schema
      .createTable('placement_rules')
      .addColumn('id', 'text', column => column.primaryKey())
      .addColumn('body', 'text', column => column.notNull())
      .addColumn('created_at', 'bigint', column => column.notNull())
      .execute();
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
      .createTable('popularity')
      .addColumn('video_id', 'text', column => column.primaryKey())
      .addColumn('plays', 'double precision', column => column.notNull())
      .addColumn('counted_at', 'bigint', column => column.notNull())
      .execute();

    await db.schema
      .createTable('rights_keys')
      .addColumn('generation', 'integer', column => column.primaryKey())
      .addColumn('encrypted_key', 'text', column => column.notNull())
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

/** What the plan of copies needs to know about sites, and copies and rules that end after a delay. */
const presence: Migration = {
  async up({ schema }) {
    await schema.alterTable('site_status_reports').addColumn('down_since', 'bigint').execute();
    await schema.alterTable('site_status_reports').addColumn('returned_at', 'bigint').execute();
    await schema.alterTable('placements').addColumn('ends_at', 'bigint').execute();
    await schema.alterTable('placement_rules').addColumn('removed_at', 'bigint').execute();
    await schema
      .createTable('storage_reports')
      .addColumn('site_id', 'text', column => column.primaryKey().references('members.id'))
      .addColumn('reported_at', 'bigint', column => column.notNull())
      .addColumn('body', 'text', column => column.notNull())
      .execute();
  },
};

/** The admin page and metrics count videos. This index holds all that they need, so no record is read. */
const counts: Migration = {
  async up(db) {
    await sql`create index videos_counts on videos (site_id, kind)
      where withdrawn = 0 and superseded_by is null`.execute(db);
  },
};

/** The search index. A loop fills it with the videos that exist, the newest first, each with its number in the order of publication. */
const searchMigration: Migration = {
  async up(db: Kysely<unknown>) {
    await createSearchTables(db);
    await sql`insert into search_queue (video_id, seq)
      select video_id, row_number() over (order by published_at, video_id) from (
        select video_id, min(published_at) as published_at from videos
        where withdrawn = 0 and kind = 'video' and superseded_by is null group by video_id
      ) as listed`.execute(db);
    await sql`update search_state set seq = (select coalesce(max(seq), 0) from search_queue)`.execute(db);
  },
};

/** Migrations in order. Only add to this list. */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-initial': initial,
  '0002-id-owners': {
    async up({ schema }) {
      await schema.alterTable('publications').addColumn('id_owner', 'text').execute();
    },
  },
  '0003-presence': presence,
  '0004-counts': counts,
  '0004-retired-keys': {
    async up({ schema }) {
      await schema
        .createTable('retired_keys')
        .addColumn('public_key', 'text', column => column.primaryKey())
        .addColumn('retired_at', 'bigint', column => column.notNull())
        .execute();
    },
  },
  '0005-instances': {
    async up({ schema }) {
      await schema.alterTable('publications').addColumn('instances', 'text').execute();
    },
  },
  '0006-people': peopleMigration,
  '0007-series': seriesMigration,
  '0008-search': searchMigration,
  '0009-plays': playsMigration,
  '0010-captions': captionsMigration,
  '0011-embedding': {
    async up({ schema }) {
      await schema.alterTable('grants').addColumn('embed_origins', 'text').execute();
    },
  },
};
