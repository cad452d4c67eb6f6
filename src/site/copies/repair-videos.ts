/**
 * Repairs own videos whose files the disk has altered. Another site that has a copy sends the damaged parts with the proofs that
 * this site signed before, and this site stores them as it stores copies. The origin serves them in place of the damaged bytes
 * (media/cut/origin-server.ts). The uploaded file itself stays damaged.
 */
import type { PublicKey } from '../../kernel/identity/keys.ts';
import { memberLoop } from '../../kernel/lifecycle/member-loop.ts';
import type { Repeating } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import type { RevisionId, SiteId, VideoId } from '../../protocol/base/ids.ts';
import { mediaPath, parseRecordFile, TIMELINE } from '../../protocol/media/media.ts';
import { revisionTimelineSchema } from '../../protocol/media/timeline.ts';
import { videoRecordSchema } from '../../protocol/publication/record.ts';
import { findRepair, forgetDamage, noteRepaired, noteRepairFailed } from '../database/file-checks.ts';
import { findPublishedRecord } from '../database/publication/records.ts';
import type { VideoRow } from '../database/tables/schema.ts';
import { findVideo, type SiteDatabase } from '../database/tables/videos.ts';
import { parseMediaFile, type VerifiedFetcher } from '../delivery/delivery.ts';
import type { CopyStore, CopyWriter } from '../media/copy-store/copy-store.ts';
import { listRevisionFiles } from './revision-files.ts';

const IDLE_MS = 10_000;
const FIRST_RETRY_MS = 5_000;
const MAX_RETRY_MS = 3_600_000;

export interface RepairDeps {
  readonly db: SiteDatabase;
  readonly store: Pick<CopyStore, 'openWriter' | 'forget'>;
  readonly fetcher: Pick<VerifiedFetcher, 'fetch'>;
  readonly siteId: () => SiteId | undefined;
  readonly publicKey: () => PublicKey;
  /** Cuts a file of an own video; undefined if the disk has altered its bytes. */
  readonly cut: (video: VideoId, revision: RevisionId, file: string) => Promise<Buffer | undefined>;
  readonly closeFiles: (video: VideoId) => Promise<void>;
  /** Called after a change of the damage. */
  readonly onDamage: () => void;
  readonly log: Log;
}

export function startRepairs(deps: RepairDeps): Repeating {
  const { db, log } = deps;
  return memberLoop(
    { name: 'repairing damaged videos', peer: deps.siteId, everyMs: IDLE_MS, log },
    async (_, abort) => {
      const row = await findRepair(db, Date.now());
      if (!row) return IDLE_MS;
      const video = row.video_id;
      const found = await findVideo(db, video);
      if (found?.state !== 'ready' || found.revision === null) {
        await forgetDamage(db, video);
        return 0;
      }
      const failure = await repairVideo(deps, found, found.revision, abort).catch(messageOf);
      if (abort.aborted) return 0;
      if (failure === undefined) {
        await noteRepaired(db, video);
        log.info({ video }, 'the damaged files of a video were fetched from another site');
      } else {
        const waitMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(row.attempts, 10));
        log.warn({ video, reason: failure }, 'a damaged video could not be repaired; will retry');
        await noteRepairFailed(db, video, { error: failure, notBeforeMs: Date.now() + waitMs });
      }
      deps.onDamage();
      return 0;
    },
  );
}

/** @returns a sentence that names the missing files; undefined if every file can be served again */
async function repairVideo(
  deps: RepairDeps,
  { id: video }: VideoRow,
  revision: RevisionId,
  abort: AbortSignal,
): Promise<string | undefined> {
  const writer = await deps.store.openWriter(video, revision, true);
  try {
    const files = await listFiles(deps, { video, revision, writer }, abort);
    let missing = 0;
    let reason = '';
    for (const file of files) {
      abort.throwIfAborted();
      if (writer.has(file) || (await deps.cut(video, revision, file))) continue;
      try {
        await fetchInto(deps, writer, mediaPath(video, revision, file), abort);
      } catch (error) {
        missing++;
        reason = messageOf(error);
      }
    }
    await writer.finish();
    return missing === 0 ? undefined : `${missing} of ${files.length} files are damaged: ${reason}`;
  } finally {
    await writer.close();
    deps.store.forget(video);
    await deps.closeFiles(video);
  }
}

interface Repair {
  readonly video: VideoId;
  readonly revision: RevisionId;
  readonly writer: CopyWriter;
}

/** The record is not among them: it is in the database. */
async function listFiles(
  deps: RepairDeps,
  { video, revision, writer }: Repair,
  abort: AbortSignal,
): Promise<readonly string[]> {
  const row = await findVideo(deps.db, video);
  const text = await findPublishedRecord(deps.db, video, revision, Number(row?.version ?? 0));
  if (text === undefined) throw new Error('the video is not published, so no other site can have it');
  if (!writer.has(TIMELINE) && !(await deps.cut(video, revision, TIMELINE))) {
    await fetchInto(deps, writer, mediaPath(video, revision, TIMELINE), abort);
  }
  const timeline = (await writer.read(TIMELINE)) ?? (await deps.cut(video, revision, TIMELINE));
  if (!timeline) throw new Error('the timeline cannot be read');
  return listRevisionFiles(
    videoRecordSchema.parse(JSON.parse(text)),
    revisionTimelineSchema.parse(JSON.parse(timeline.toString('utf8'))),
  ).filter(file => parseRecordFile(file) === undefined);
}

async function fetchInto(
  { fetcher, publicKey }: RepairDeps,
  writer: CopyWriter,
  path: string,
  abort: AbortSignal,
): Promise<void> {
  const file = parseMediaFile(path);
  if (!file) throw new Error(`${path} is not a file of a revision`);
  const fetched = await fetcher.fetch(file, abort);
  if (fetched.proof.key !== publicKey()) throw new Error('another site has signed the bytes');
  await writer.add(file.file, fetched);
}
