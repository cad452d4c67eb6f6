/**
 * Reads a site's PostgreSQL database directly by SQL, with a role that may read records and set the published flag, and nothing
 * else (docs/databases.md).
 */
import { Kysely, sql } from 'kysely';
import { SetDigest } from '../../kernel/identity/set-digest.ts';
import { withinLimit } from '../../kernel/lifecycle/time-limit.ts';
import { messageOf, Problem, problem } from '../../kernel/problem.ts';
import { nameOfPostgres, openPostgresDialect } from '../../kernel/sql/postgres.ts';
import { type SiteId, siteIdSchema } from '../../protocol/ids.ts';
import { MAX_RECORD_PAGE_BYTES } from '../../protocol/limits.ts';
import type { Epoch } from '../../protocol/publication/epoch.ts';
import { type RecordPage, recordPageSchema } from '../../protocol/publication/gateway.ts';
import { epochOf, type RecordColumns, type SignalColumns } from '../../protocol/publication/site-tables.ts';
import type { SiteReader } from './site-reader.ts';

const REQUEST_TIMEOUT_MS = 30_000;
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
type SiteDatabase = Kysely<SiteTables>;

export interface SqlReaders {
  /** Opens a reader of the database at this URL. Connections are kept for later readers. */
  open(url: string): SiteReader;
  stop(): Promise<void>;
}

export function createSqlReaders(): SqlReaders {
  const databases = new Map<string, SiteDatabase>();
  const databaseAt = (url: string): SiteDatabase => {
    let db = databases.get(url);
    if (!db) {
      const dialect = openPostgresDialect(url, {
        max: MAX_CONNECTIONS_PER_SITE,
        idleTimeoutMillis: IDLE_TIMEOUT_MS,
      });
      db = new Kysely<SiteTables>({ dialect });
      databases.set(url, db);
    }
    return db;
  };
  return {
    open: url => makeReader(databaseAt(url), nameOfPostgres(url)),
    async stop() {
      await Promise.all([...databases.values()].map(db => db.destroy()));
    },
  };
}

function makeReader(db: SiteDatabase, name: string): SiteReader {
  /** Runs `query` within the time limit, and converts errors of the database into problems. */
  const run = async <T>(abort: AbortSignal, query: () => Promise<T>): Promise<T> => {
    try {
      return await withinLimit(REQUEST_TIMEOUT_MS, abort, query);
    } catch (error) {
      if (error instanceof Problem) throw error;
      const { code } = error as { code?: string };
      // SQLSTATE 42501, insufficient_privilege; 42P01, undefined_table
      if (code === '42501' || code === '42P01') {
        throw problem(
          'site-database-closed',
          `${name} does not allow central to read its records: ${messageOf(error)}. docs/databases.md lists the grants that it needs.`,
          { cause: error },
        );
      }
      throw problem('peer-unreachable', `${name} could not be read: ${messageOf(error)}.`, {
        cause: error,
      });
    }
  };
  return {
    readRecords: (limit, abort) => run(abort, () => readPage(db, limit)),
    async acknowledge(epoch, published, abort) {
      if (published.length === 0) return { matched: 0 };
      const named = published.map(
        ({ video, version, hash }) => sql`(${video}, cast(${version} as bigint), ${hash})`,
      );
      return run(abort, async () => {
        const { numUpdatedRows } = await db
          .updateTable('records')
          .set({ published: 1 })
          // The statement itself enforces R1 and R8: exactly this content, and only in this epoch.
          .where(sql<boolean>`(video_id, version, hash) in (values ${sql.join(named)})`)
          .where(({ exists }) => exists(selectEpoch(db, epoch)))
          .executeTakeFirst();
        const matched = Number(numUpdatedRows);
        if (matched === 0 && !(await selectEpoch(db, epoch).executeTakeFirst())) throw epochMismatch(epoch);
        return { matched };
      });
    },
    readDigest: abort => run(abort, () => sumPublished(db)),
  };
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

async function readPage(db: SiteDatabase, limit: number): Promise<RecordPage> {
  // The epoch is read first. If it ends before the rows are read, the page is rejected, which does no harm.
  const { site, epoch } = await readState(db);
  const { rows } = await selectPage(limit).execute(db);
  const page = recordPageSchema.safeParse({
    site,
    epoch,
    records: rows.map(({ body, hash }) => ({ record: parseJson(body), hash })),
    more: rows.length < (rows[0]?.found ?? 0),
  });
  if (page.success) return page.data;
  const [issue] = page.error.issues;
  throw problem(
    'peer-malformed',
    `The records of the site are invalid: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
  );
}

function parseJson(body: string | null): unknown {
  if (body === null) {
    throw problem('peer-too-large', `A record exceeds ${MAX_RECORD_PAGE_BYTES} bytes.`);
  }
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw problem('peer-malformed', 'A record is not JSON.', { cause });
  }
}

async function sumPublished(db: SiteDatabase) {
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
