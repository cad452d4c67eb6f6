/** Writes records to the table of the catalogue. `take-records.ts` has decided before which of them may be written. */
import { isAmong, selectRows } from '../../../kernel/sql/rows.ts';
import { sql } from '../../../kernel/sql/sql.ts';
import type { SiteId, VideoId } from '../../../protocol/base/ids.ts';
import { isOfOwner } from '../../../protocol/publication/record.ts';
import type { OfferedRecord } from '../../publication/offered-record.ts';
import { claimPositions } from '../feed.ts';
import type { CentralSchema, CentralTransaction, VideoRow } from '../schema.ts';
import { writeVideoGroups } from '../video-groups.ts';

const isHidden = ({ audience }: OfferedRecord): boolean => audience !== undefined && audience !== 'public';

const kindOf = (record: OfferedRecord): VideoRow['kind'] =>
  isOfOwner(record) ? 'video' : record.kind === 'copy' ? 'copy' : 'gone';

export interface RecordWrite {
  readonly site: SiteId;
  readonly record: OfferedRecord;
  readonly atMs: number;
}

/** R3: one row per video and site. The statement itself enforces R4 again. */
export async function writeRecords(tx: CentralTransaction, writes: readonly RecordWrite[]): Promise<void> {
  const first = await claimPositions(tx, writes.length);
  const columns = {
    site_id: writes.map(({ site }) => site),
    video_id: writes.map(({ record }) => record.video),
    version: writes.map(({ record }) => record.version),
    hash: writes.map(({ record }) => record.hash),
    kind: writes.map(({ record }) => kindOf(record)),
    body: writes.map(({ record }) => record.body),
    withdrawn: writes.map(({ record }) => (record.kind === 'tombstone' ? 1 : 0)),
    published_at: writes.map(({ atMs }) => atMs),
    position: writes.map((_, order) => first + order),
    search_text: writes.map(({ record }) => record.searchText),
    title: writes.map(({ record }) => record.title),
    private: writes.map(({ record }) => (isHidden(record) ? 1 : 0)),
    audience: writes.map(({ record }) => (isHidden(record) ? (record.audience ?? null) : null)),
    owner_id: writes.map(({ record }) => record.owner ?? null),
    series_id: writes.map(({ record }) => record.series ?? null),
  };
  await tx
    .insertInto('videos')
    .columns(Object.keys(columns) as (keyof typeof columns)[])
    .expression(selectRows<CentralSchema, Pick<VideoRow, keyof typeof columns>>(tx, columns))
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
          // A withdrawal does not change this column, and neither does the record of a copy.
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
          audience: ref('excluded.audience'),
          owner_id: ref('excluded.owner_id'),
          series_id: ref('excluded.series_id'),
        }))
        .whereRef('excluded.version', '>', 'videos.version'),
    )
    .execute();
  await writeVideoGroups(tx, writes);
  await hideCopies(
    tx,
    writes.map(({ record }) => record.video),
  );
}

/** Copies of videos that are not public are marked, so that only those who may manage sites count them. */
async function hideCopies(tx: CentralTransaction, videos: readonly VideoId[]): Promise<void> {
  const hidden = sql<number>`case when exists (
    select 1 from videos as original
    where original.video_id = videos.video_id and original.kind = 'video' and original.private = 1
      and original.superseded_by is null
  ) then 1 else 0 end`;
  await tx
    .updateTable('videos')
    .set({ private: hidden })
    .where(isAmong(tx, 'video_id', videos))
    .where('kind', '=', sql.lit('copy'))
    .where('private', '!=', hidden)
    .execute();
}
