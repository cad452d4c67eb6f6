/**
 * The PostgreSQL database of a site, as central reads it: with a role that may read records and set the published flag, and
 * nothing else (docs/databases.md).
 */
import { Kysely, sql } from 'kysely';
import { SetDigest } from '../../kernel/identity/set-digest.ts';
import { parseInput } from '../../kernel/input.ts';
import { type Problem, problem } from '../../kernel/problem.ts';
import { openPostgresDialect } from '../../kernel/sql/postgres.ts';
import { type SiteId, siteIdSchema } from '../../protocol/base/ids.ts';
import { MAX_RECORD_PAGE_BYTES } from '../../protocol/base/limits.ts';
import type { Epoch } from '../../protocol/publication/epoch.ts';
import {
  type Acknowledgement,
  type PublishedDigest,
  type RecordPage,
  recordPageSchema,
} from '../../protocol/publication/gateway.ts';
import { epochOf, type RecordColumns, type SignalColumns } from '../../protocol/publication/site-tables.ts';

const MAX_CONNECTIONS_PER_SITE = 2;
const IDLE_TIMEOUT_MS = 60_000;
const DIGEST_PAGE_ROWS = 2_000;
/** The size of the JSON that surrounds each record of a page. */
const ENVELOPE_BYTES = 100;
const DIGEST_ATTEMPTS = 3;

interface SiteTables {
  readonly signal: SignalColumns;
  readonly records: RecordColumns;
}
export type SiteDatabase = Kysely<SiteTables>;

/** Opens the database of a site. It connects on the first query. */
export const openSiteDatabase = (url: string): SiteDatabase =>
  new Kysely<SiteTables>({
    dialect: openPostgresDialect(url, { max: MAX_CONNECTIONS_PER_SITE, idleTimeoutMillis: IDLE_TIMEOUT_MS }),
  });

interface SiteState {
  readonly site: SiteId;
  readonly epoch: Epoch;
  readonly change: number;
}

async function readState(db: SiteDatabase): Promise<SiteState> {
  const signal = await db
    .selectFrom('signal')
    .select(['site', 'start', 'epoch', 'epoch_start', 'change'])
    .where('id', '=', 1)
    .executeTakeFirst();
  const epoch = signal && epochOf(signal);
  if (!signal || !epoch || signal.site === null) {
    throw problem(
      'handshake-pending',
      'This site has not completed a handshake since its last start. It does so as soon as it reaches central.',
    );
  }
  return { site: siteIdSchema.parse(signal.site), epoch, change: signal.change };
}

/** One row of a page. The query omits rows and bodies that exceed the limit of a page, so that they are never transferred. */
interface PageRow {
  readonly body: string | null;
  readonly hash: string;
  /** The number of unpublished rows, up to one more than the limit. */
  readonly found: number;
}

const selectPage = (limit: number) => sql<PageRow>`
  select case when octet_length(body) <= ${MAX_RECORD_PAGE_BYTES} then body end as body, hash, found
  from (
    select body, hash, version,
      row_number() over (order by version) as row,
      sum(octet_length(body) + ${ENVELOPE_BYTES}) over (order by version) as bytes,
      count(*) over () as found
    from (
      select body, hash, version from records
      where published = 0 and version > 0 order by version limit ${limit + 1}
    ) waiting
  ) page
  where row <= ${limit} and (row = 1 or bytes <= ${MAX_RECORD_PAGE_BYTES})
  order by version`;

/** Reads the oldest unpublished records. @throws Problem `handshake-pending`, `peer-malformed` or `peer-too-large` */
export async function readUnpublished(db: SiteDatabase, limit: number): Promise<RecordPage> {
  // The epoch is read first. If it ends before the rows are read, the page is rejected, which does no harm.
  const { site, epoch } = await readState(db);
  const { rows } = await selectPage(limit).execute(db);
  const page = {
    site,
    epoch,
    records: rows.map(({ body, hash }) => ({ record: parseBody(body), hash })),
    more: rows.length < (rows[0]?.found ?? 0),
  };
  const words = { whole: 'The page', field: 'field', object: 'an object' };
  const parsed = parseInput(recordPageSchema, page, words);
  if (parsed.ok) return parsed.data;
  throw problem('peer-malformed', `The records of the site are invalid. ${parsed.errors[0]?.detail ?? ''}`);
}

function parseBody(body: string | null): unknown {
  if (body === null) {
    throw problem('peer-too-large', `A record exceeds ${MAX_RECORD_PAGE_BYTES} bytes.`);
  }
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw problem('peer-malformed', 'A record is not JSON.', { cause });
  }
}

/** Selects one row if this is the current epoch of the site, else none. */
const selectEpoch = (db: SiteDatabase, { number, start }: Epoch) =>
  db
    .selectFrom('signal')
    .select('id')
    .where('id', '=', 1)
    .where('epoch', '=', number)
    .where('epoch_start', '=', start)
    .where('start', '=', start);

const epochMismatch = ({ number }: Epoch): Problem =>
  problem('epoch-mismatch', `This acknowledgement belongs to epoch ${number}, which this site has ended.`);

/** Marks exactly these records as published, and returns how many matched. @throws Problem `epoch-mismatch` */
export async function markPublished(
  db: SiteDatabase,
  epoch: Epoch,
  published: readonly Acknowledgement[],
): Promise<number> {
  const named = published.map(
    ({ video, version, hash }) => sql`(${video}, cast(${version} as bigint), ${hash})`,
  );
  const { numUpdatedRows } = await db
    .updateTable('records')
    .set({ published: 1 })
    // The statement itself enforces R1 and R8: exactly this content, and only in this epoch.
    .where(sql<boolean>`(video_id, version, hash) in (values ${sql.join(named)})`)
    .where(({ exists }) => exists(selectEpoch(db, epoch)))
    .executeTakeFirst();
  const matched = Number(numUpdatedRows);
  if (matched === 0 && !(await selectEpoch(db, epoch).executeTakeFirst())) throw epochMismatch(epoch);
  return matched;
}

/** Computes the digest of the published records. @throws Problem `handshake-pending`, or `site-busy` if they keep changing */
export async function sumPublished(db: SiteDatabase): Promise<PublishedDigest> {
  for (let attempt = 1; attempt <= DIGEST_ATTEMPTS; attempt++) {
    const { site, epoch, change } = await readState(db);
    const { unpublished } = await db
      .selectFrom('records')
      .select(({ fn }) => fn.countAll<number>().as('unpublished'))
      .where('published', '=', 0)
      .executeTakeFirstOrThrow();
    const digest = new SetDigest();
    let records = 0;
    for (let after = ''; ; ) {
      const rows = await db
        .selectFrom('records')
        .select(['video_id', 'version', 'hash'])
        .where('video_id', '>', after)
        .where('published', '=', 1)
        .orderBy('video_id')
        .limit(DIGEST_PAGE_ROWS)
        .execute();
      for (const row of rows) digest.add(row.video_id, row.version, row.hash);
      records += rows.length;
      const last = rows.at(-1);
      if (!last || rows.length < DIGEST_PAGE_ROWS) break;
      after = last.video_id;
    }
    if ((await readState(db)).change === change) {
      return { site, epoch, unpublished, records, digest: digest.toString() };
    }
  }
  throw problem('site-busy', 'Records are being written constantly. The digest is computed later.');
}
