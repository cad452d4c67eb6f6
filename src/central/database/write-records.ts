/** Puts records into the catalogue's table. What may be put there was decided before (`take-records.ts`). */
import type { RecordEntry } from '../../protocol/gateway.ts';
import type { SiteId } from '../../protocol/ids.ts';
import { isOfOwner, type PublicationRecord } from '../../protocol/record.ts';
import { normaliseForSearch } from '../../protocol/text.ts';
import { takePositions } from './feed.ts';
import type { CentralTransaction, VideoRow } from './schema.ts';

const kindOf = (record: PublicationRecord): VideoRow['kind'] =>
  isOfOwner(record) ? 'video' : record.kind === 'copy' ? 'copy' : 'gone';

export interface RecordWrite {
  readonly site: SiteId;
  readonly entry: RecordEntry;
  readonly atMs: number;
}

/** An SQL statement takes so many parameters and no more: here thirteen a row. */
const ROWS_A_STATEMENT = 1_000;

/** R3: one row a video and site. R4 once more, in the database itself. */
export async function writeRecords(tx: CentralTransaction, writes: readonly RecordWrite[]): Promise<void> {
  const position = await takePositions(tx, writes.length);
  for (let from = 0; from < writes.length; from += ROWS_A_STATEMENT) {
    await writeRows(tx, writes.slice(from, from + ROWS_A_STATEMENT), position + from);
  }
}

async function writeRows(
  tx: CentralTransaction,
  writes: readonly RecordWrite[],
  position: number,
): Promise<void> {
  await tx
    .insertInto('videos')
    .values(
      writes.map(({ site, entry: { record, hash }, atMs }, order) => ({
        site_id: site,
        video_id: record.video,
        version: record.version,
        hash,
        kind: kindOf(record),
        superseded_by: null,
        body: JSON.stringify(record),
        withdrawn: record.kind === 'tombstone' ? 1 : 0,
        published_at: atMs,
        position: position + order,
        search_text:
          record.kind === 'video' ? normaliseForSearch(`${record.name}\n${record.description}`) : '',
        title: record.kind === 'video' ? record.name : '',
        private: record.kind === 'video' && record.visibility === 'private' ? 1 : 0,
      })),
    )
    .onConflict(conflict =>
      conflict
        .columns(['site_id', 'video_id'])
        .doUpdateSet(({ ref, eb }) => ({
          version: ref('excluded.version'),
          hash: ref('excluded.hash'),
          kind: ref('excluded.kind'),
          body: ref('excluded.body'),
          withdrawn: ref('excluded.withdrawn'),
          position: ref('excluded.position'),
          search_text: ref('excluded.search_text'),
          title: eb
            .case()
            .when('excluded.withdrawn', '=', 1)
            .then(ref('videos.title'))
            .else(ref('excluded.title'))
            .end(),
          // A withdrawal leaves it as it was; so does what a site says of another's video.
          private: eb
            .case()
            .when('excluded.private', '=', 1)
            .then(1)
            .when(
              eb.and([
                eb('videos.private', '=', 1),
                eb('excluded.kind', '=', 'video'),
                eb('excluded.withdrawn', '=', 0),
              ]),
            )
            .then(2)
            .else(ref('videos.private'))
            .end(),
        }))
        .whereRef('excluded.version', '>', 'videos.version'),
    )
    .execute();
}
