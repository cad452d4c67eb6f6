/** Writes records to the table of the catalogue. `take-records.ts` has decided before which of them may be written. */
import { selectRows } from '../../../kernel/sql/rows.ts';
import type { SiteId } from '../../../protocol/base/ids.ts';
import { isOfOwner } from '../../../protocol/publication/record.ts';
import type { OfferedRecord } from '../../publication/offered-record.ts';
import { claimPositions } from '../feed.ts';
import { EXPIRED } from '../scheduled-videos.ts';
import type { CentralSchema, CentralTransaction, VideoRow } from '../schema.ts';
import { writeVideoGroups } from '../video-groups.ts';
import { hideCopies } from './hide-copies.ts';

/** Before its `publishAt`, a video is kept as a private one. */
const isHidden = ({ record: { audience, publishAtMs }, atMs }: RecordWrite): boolean =>
  audience !== undefined && (audience !== 'public' || publishAtMs > atMs);
const isPending = ({ record: { publishAtMs }, atMs }: RecordWrite): boolean => publishAtMs > atMs;
const isExpired = ({ record: { withdrawAtMs }, atMs }: RecordWrite): boolean =>
  withdrawAtMs !== undefined && withdrawAtMs <= atMs;

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
    withdrawn: writes.map(write => (write.record.kind === 'tombstone' ? 1 : isExpired(write) ? EXPIRED : 0)),
    published_at: writes.map(({ atMs }) => atMs),
    position: writes.map((_, order) => first + order),
    search_text: writes.map(({ record }) => record.searchText),
    title: writes.map(({ record }) => record.title),
    private: writes.map(write => (isHidden(write) ? 1 : 0)),
    audience: writes.map(write =>
      isHidden(write) && !isPending(write) ? (write.record.audience ?? null) : null,
    ),
    publish_at: writes.map(write => (isPending(write) ? write.record.publishAtMs : 0)),
    withdraw_at: writes.map(write => (isExpired(write) ? 0 : (write.record.withdrawAtMs ?? 0))),
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
          publish_at: ref('excluded.publish_at'),
          withdraw_at: ref('excluded.withdraw_at'),
        }))
        .whereRef('excluded.version', '>', 'videos.version'),
    )
    .execute();
  await writeVideoGroups(
    tx,
    writes.map(write => (isPending(write) ? { ...write, record: { ...write.record, groups: [] } } : write)),
  );
  await hideCopies(
    tx,
    writes.map(({ record }) => record.video),
  );
}
