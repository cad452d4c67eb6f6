/** Handshakes: central returns to a site its epoch and the records that central holds of it (publication rules R7 and R8). */
import { SetDigest } from '../../../kernel/identity/set-digest.ts';
import { idOwnerOf } from '../../../kernel/identity/video-ids.ts';
import { problem } from '../../../kernel/problem.ts';
import type { SiteId, VideoId } from '../../../protocol/base/ids.ts';
import { MAX_RECORD_PAGE_BYTES } from '../../../protocol/base/limits.ts';
import { type Epoch, isSameEpoch } from '../../../protocol/publication/epoch.ts';
import type { RecordEntry } from '../../../protocol/publication/gateway.ts';
import {
  type HandshakeRequest,
  type HandshakeResponse,
  type HeldPage,
  MAX_HELD_PAGE_ROWS,
} from '../../../protocol/publication/handshake.ts';
import { writtenAtOf } from '../../../protocol/publication/record.ts';
import type { CentralDatabase } from '../schema.ts';
import { parseStoredRecord } from '../stored-record.ts';
import { type EpochRequest, raiseEpoch, readEpoch } from './epochs.ts';

const DIGEST_PAGE_ROWS = 2_000;

/**
 * Begins a new epoch. Records and acknowledgements of earlier epochs are void, so the held records of the site cannot change
 * until the site has compared them with its own.
 */
export async function acceptHandshake(
  db: CentralDatabase,
  site: SiteId,
  handshake: HandshakeRequest & Pick<EpochRequest, 'address'>,
  nowMs: number,
): Promise<HandshakeResponse> {
  const epoch = await raiseEpoch(db, site, handshake, nowMs);
  await db
    .updateTable('publications')
    .set({
      conversion: handshake.conversion ? JSON.stringify(handshake.conversion) : null,
      ...(handshake.idSecret === undefined ? {} : { id_owner: idOwnerOf(handshake.idSecret) }),
    })
    .where('site_id', '=', site)
    .execute();
  // A site that was declared lost has returned.
  await db
    .updateTable('members')
    .set({ lost_at: null })
    .where('id', '=', site)
    .where('lost_at', 'is not', null)
    .execute();
  const { digest, highestVersion } = await sumHeld(db, site);
  return {
    epoch,
    highestVersion,
    same: digest === handshake.digest && !(await hasSuperseded(db, site)),
  };
}

/** True if another site took over a video of this site, which this site may not know yet. */
const hasSuperseded = async (db: CentralDatabase, site: SiteId): Promise<boolean> =>
  (await db
    .selectFrom('videos')
    .select('video_id')
    .where('site_id', '=', site)
    .where('superseded_by', 'is not', null)
    .where('kind', '=', 'video')
    .limit(1)
    .executeTakeFirst()) !== undefined;

export interface HeldSum {
  readonly records: number;
  readonly digest: string;
  readonly highestVersion: number;
}

/** Computes the digest of all records held of a site. It reads the rows in pages. */
export async function sumHeld(db: CentralDatabase, site: SiteId): Promise<HeldSum> {
  const digest = new SetDigest();
  let records = 0;
  let highestVersion = 0;
  for (let after: VideoId | undefined; ; ) {
    const rows = await db
      .selectFrom('videos')
      .select(['video_id', 'version', 'hash'])
      .where('site_id', '=', site)
      .where(({ eb, and }) => (after === undefined ? and([]) : eb('video_id', '>', after)))
      .orderBy('video_id')
      .limit(DIGEST_PAGE_ROWS)
      .execute();
    for (const row of rows) {
      const version = Number(row.version);
      digest.add(row.video_id, version, row.hash);
      highestVersion = Math.max(highestVersion, version);
    }
    records += rows.length;
    const last = rows.at(-1);
    if (!last || rows.length < DIGEST_PAGE_ROWS) break;
    after = last.video_id;
  }
  return { records, digest: digest.toString(), highestVersion };
}

/** @throws Problem `epoch-mismatch` */
export async function listHeld(
  db: CentralDatabase,
  site: SiteId,
  epoch: Epoch,
  after: VideoId | undefined,
): Promise<HeldPage> {
  await requireSameEpoch(db, site, epoch);
  const rows = await db
    .selectFrom('videos')
    .select(['video_id', 'version', 'hash', 'kind', 'withdrawn', 'body', 'superseded_by'])
    .where('site_id', '=', site)
    .where(({ eb, and }) => (after === undefined ? and([]) : eb('video_id', '>', after)))
    .orderBy('video_id')
    .limit(MAX_HELD_PAGE_ROWS + 1)
    .execute();
  return {
    held: rows.slice(0, MAX_HELD_PAGE_ROWS).map(row => ({
      video: row.video_id,
      version: Number(row.version),
      hash: row.hash,
      withdrawn: row.withdrawn === 1,
      writtenAt: writtenAtOf(parseStoredRecord(row.body)),
      ...(row.superseded_by !== null && row.kind === 'video' ? { supersededBy: row.superseded_by } : {}),
    })),
    more: rows.length > MAX_HELD_PAGE_ROWS,
  };
}

/** Returns the content of these records, as many as fit into one response. @throws Problem `epoch-mismatch` */
export async function readHeld(
  db: CentralDatabase,
  site: SiteId,
  epoch: Epoch,
  videos: readonly VideoId[],
): Promise<RecordEntry[]> {
  await requireSameEpoch(db, site, epoch);
  const rows = await db
    .selectFrom('videos')
    .select(['body', 'hash'])
    .where('site_id', '=', site)
    .where('video_id', 'in', videos)
    .execute();
  const entries: RecordEntry[] = [];
  let characters = 0;
  for (const { body, hash } of rows) {
    characters += body.length;
    if (entries.length > 0 && characters > MAX_RECORD_PAGE_BYTES) break;
    entries.push({ record: parseStoredRecord(body), hash });
  }
  return entries;
}

async function requireSameEpoch(db: CentralDatabase, site: SiteId, epoch: Epoch): Promise<void> {
  if (isSameEpoch(await readEpoch(db, site), epoch)) return;
  throw problem(
    'epoch-mismatch',
    'A later handshake of this site has replaced this epoch. Repeat the handshake.',
  );
}
