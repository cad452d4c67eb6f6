/** The grants that central issues by itself to viewers who may watch a video (docs/people.md). */
import { sql } from '../../kernel/sql/sql.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import { readFeedPosition } from './feed.ts';
import type { CentralDatabase, GrantRow } from './schema.ts';

/** How long an expired grant is kept. */
const KEEP_EXPIRED_MS = 3_600_000;
/** If more has changed, all grants are checked. */
const MAX_CHANGES = 1_000;

/** A grant that was issued to this viewer before and is valid until `untilMs` at least. */
export const findViewingGrant = (
  db: CentralDatabase,
  { video, credential, untilMs }: { video: VideoId; credential: string; untilMs: number },
): Promise<GrantRow | undefined> =>
  db
    .selectFrom('grants')
    .selectAll()
    .where('credential_id', '=', credential)
    .where('video_id', '=', video)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>=', untilMs)
    .orderBy('expires_at', 'desc')
    .limit(1)
    .executeTakeFirst();

export async function deleteExpiredViewingGrants(db: CentralDatabase, nowMs: number): Promise<void> {
  await db
    .deleteFrom('grants')
    .where('expires_at', '<', nowMs - KEEP_EXPIRED_MS)
    .where('credential_id', 'is not', null)
    .execute();
}

/** A grant that may have to end. */
export type CheckedGrant = Pick<GrantRow, 'id' | 'video_id'> & { readonly credential_id: string };

export interface ChangedGrants {
  readonly grants: readonly CheckedGrant[];
  /** The position of the feed up to which these are all. */
  readonly position: number;
}

/** The valid grants of viewers whose person, credential or video has changed after this position of the feed; with 0, all. */
export async function listChangedViewingGrants(
  db: CentralDatabase,
  after: number,
  nowMs: number,
): Promise<ChangedGrants> {
  // The position is read first, so that a later change is found next time.
  const position = await readFeedPosition(db);
  if (position === after) return { grants: [], position };
  const people = await db
    .selectFrom('people_changes')
    .select(['person_id', 'credential_id'])
    .where('position', '>', after)
    .limit(MAX_CHANGES + 1)
    .execute();
  const videos = await db
    .selectFrom('videos')
    .select('video_id')
    .where('private', '>', sql.lit(0))
    .where('position', '>', after)
    .limit(MAX_CHANGES + 1)
    .execute();
  if (people.length === 0 && videos.length === 0 && after > 0) return { grants: [], position };
  const isAll = after === 0 || people.length > MAX_CHANGES || videos.length > MAX_CHANGES;
  const persons = people.flatMap(({ person_id }) => person_id ?? []);
  const credentials = people.flatMap(({ credential_id }) => credential_id ?? []);
  const grants = await db
    .selectFrom('grants')
    .select(['id', 'video_id', 'credential_id'])
    .where('credential_id', 'is not', null)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', nowMs)
    .$if(!isAll, query =>
      query.where(({ eb, or }) =>
        or([
          eb('person_id', 'in', [...persons, '']),
          eb('credential_id', 'in', [...credentials, '']),
          eb('video_id', 'in', [...videos.map(({ video_id }) => video_id), '' as VideoId]),
        ]),
      ),
    )
    .execute();
  return {
    grants: grants.flatMap(({ credential_id, ...grant }) =>
      credential_id === null ? [] : [{ ...grant, credential_id }],
    ),
    position,
  };
}
