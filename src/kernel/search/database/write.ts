/** Writes documents to the index, and keeps the counts of the facets. Runs in the transaction that stores what it indexes. */
import { setImmediate as nextTick } from 'node:timers/promises';
import type { VideoId } from '../../../protocol/base/ids.ts';
import { isPostgres } from '../../sql/postgres.ts';
import { isAmong, selectRows } from '../../sql/rows.ts';
import { sql } from '../../sql/sql.ts';
import type { Reach, SearchDocument } from '../document.ts';
import { bucketLexemes, type SearchDatabase } from './finder.ts';
import type { SearchSchema } from './tables.ts';

/** A document to write, or a video that is not listed any more. */
export interface DocumentWrite {
  readonly video: VideoId;
  readonly document: SearchDocument | undefined;
  /** The number of a new document that has a place in the order already. Default: the next number. */
  readonly seq?: number | undefined;
}

/** How many documents are written before other work of this thread. */
const STEP = 20;

/** Writes at most one document for each video. */
export async function writeDocuments(db: SearchDatabase, writes: readonly DocumentWrite[]): Promise<void> {
  const counts = new Counts();
  for (let at = 0; at < writes.length; at += STEP) {
    if (at > 0) await nextTick();
    await writeStep(db, writes.slice(at, at + STEP), counts);
  }
  await counts.store(db);
}

async function writeStep(
  db: SearchDatabase,
  writes: readonly DocumentWrite[],
  counts: Counts,
): Promise<void> {
  const known = await db
    .selectFrom('search_documents')
    .select(['seq', 'video_id', 'reach', 'facets'])
    .where(
      isAmong(
        db,
        'video_id',
        writes.map(({ video }) => video),
      ),
    )
    .execute();
  for (const { reach, facets } of known) counts.add(reach, facets, -1);
  await removeRows(
    db,
    known.map(({ seq }) => Number(seq)),
  );
  const seqs = new Map(known.map(({ video_id, seq }) => [video_id, Number(seq)]));
  const written = writes.flatMap(({ video, document, seq }) =>
    document ? [{ document, seq: seqs.get(video) ?? seq }] : [],
  );
  const fresh = written.filter(({ seq }) => seq === undefined).length;
  let next = fresh === 0 ? 0 : await claimSeqs(db, fresh);
  const numbered = written.map(({ document, seq }) => ({ document, seq: seq ?? next++ }));
  for (const { document } of numbered) counts.add(document.reach, document.facets, 1);
  if (numbered.length > 0) await insertRows(db, numbered);
}

async function removeRows(db: SearchDatabase, seqs: readonly number[]): Promise<void> {
  if (seqs.length === 0) return;
  await db.deleteFrom('search_documents').where('seq', 'in', seqs).execute();
  if (!isPostgres(db)) await sql`delete from search_index where rowid in (${sql.join(seqs)})`.execute(db);
}

/** Returns the first of `count` numbers. */
async function claimSeqs(db: SearchDatabase, count: number): Promise<number> {
  const { seq } = await db
    .updateTable('search_state')
    .set({ seq: sql<number>`seq + ${sql.lit(count)}` })
    .where('id', '=', 1)
    .returning('seq')
    .executeTakeFirstOrThrow();
  return Number(seq) - count + 1;
}

interface Numbered {
  readonly document: SearchDocument;
  readonly seq: number;
}

async function insertRows(db: SearchDatabase, documents: readonly Numbered[]): Promise<void> {
  const columns = {
    seq: documents.map(({ seq }) => seq),
    video_id: documents.map(({ document }) => document.video),
    site_id: documents.map(({ document }) => document.site),
    reach: documents.map(({ document }) => document.reach),
    title_key: documents.map(({ document }) => document.titleKey),
    recorded_ms: documents.map(({ document }) => document.recordedMs),
    length_s: documents.map(({ document }) => document.lengthS),
    facets: documents.map(({ document }) => document.facets),
  };
  await db
    .insertInto('search_documents')
    .columns(Object.keys(columns) as (keyof typeof columns)[])
    .expression(selectRows<SearchSchema, SearchSchema['search_documents']>(db, columns))
    .execute();
  if (isPostgres(db)) {
    for (const { document, seq } of documents)
      await sql`update search_documents set tokens = array_to_tsvector(${[...document.lexemes, ...bucketLexemes(seq)]}::text[])
        where seq = ${seq}`.execute(db);
    return;
  }
  const rows = JSON.stringify(documents.map(({ document, seq }) => [seq, document.lexemes.join(' ')]));
  await sql`insert into search_index (rowid, tokens) select value ->> 0, value ->> 1 from json_each(${rows})`.execute(
    db,
  );
}

const SEPARATOR = '\u0000';

/** Changes of counts, summed up so that each row is written once, in the same order by every transaction. */
class Counts {
  readonly #changes = new Map<string, number>();

  add(reach: Reach, facets: string, change: 1 | -1): void {
    for (const line of facets.split('\n')) {
      const key = `${line}${SEPARATOR}${reach}`;
      this.#changes.set(key, (this.#changes.get(key) ?? 0) + change);
    }
  }

  async store(db: SearchDatabase): Promise<void> {
    const changes = [...this.#changes].filter(([, change]) => change !== 0).sort();
    if (changes.length === 0) return;
    const keys = changes.map(([key]) => key.split(SEPARATOR) as [string, Reach]);
    const columns = {
      value: keys.map(([value]) => value),
      reach: keys.map(([, reach]) => reach),
      facet: keys.map(([value]) => value.charAt(0)),
      documents: changes.map(([, change]) => change),
    };
    await db
      .insertInto('search_counts')
      .columns(Object.keys(columns) as (keyof typeof columns)[])
      .expression(selectRows<SearchSchema, SearchSchema['search_counts']>(db, columns))
      .onConflict(conflict =>
        conflict
          .columns(['value', 'reach'])
          .doUpdateSet({ documents: sql<number>`search_counts.documents + excluded.documents` }),
      )
      .execute();
    const emptied = changes.flatMap(([, change], at) => (change < 0 ? [columns.value[at] as string] : []));
    if (emptied.length > 0)
      await db
        .deleteFrom('search_counts')
        .where(isAmong(db, 'value', emptied))
        .where('documents', '<=', 0)
        .execute();
  }
}
