/**
 * Trims a video between two marks, or restores the whole of it. Nothing is encoded: new index files make a new revision, in about a
 * second. The media files stay, so every trim can be changed or undone.
 */
import type { IncomingMessage } from 'node:http';
import * as z from 'zod';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { type Problem, problem } from '../../../kernel/problem.ts';
import { newRevisionId, type VideoId, videoIdSchema } from '../../../protocol/base/ids.ts';
import { siteVideoSchema, trimRequestSchema } from '../../../protocol/site.ts';
import { type CaptionsTrack, type Extras, parseExtras } from '../../database/extras.ts';
import { listJobProgress } from '../../database/jobs.ts';
import { changeVideo } from '../../database/publication/records.ts';
import { insertRevisionWithExtras, locateRevision } from '../../database/revisions.ts';
import { detailsColumns, parseDetails } from '../../database/tables/details.ts';
import type { VideoRow } from '../../database/tables/schema.ts';
import { parseTrim, type Trim } from '../../database/trimming.ts';
import type { PreparedSource } from '../../media/index/source-index.ts';
import { makeRecord, parsePrepared } from '../../media/record/record.ts';
import { cutChapters, moveCaptions, restoreChapters, trimVideo } from '../../media/trim/trim.ts';
import { readVideo } from './site-video.ts';
import type { StudioDeps } from './studio-deps.ts';
import { objectOf, requireVideo } from './video-access.ts';

type Marks = z.infer<typeof trimRequestSchema>;

export function serveTrim(app: HttpServer, deps: StudioDeps): void {
  app.post(
    '/api/videos/:id/trim',
    {
      schema: {
        description:
          'Trims a video between two marks, without encoding it. The marks are on its present timeline. `whole` restores the whole video.',
        params: z.object({ id: videoIdSchema }),
        body: trimRequestSchema,
        response: { 200: siteVideoSchema },
      },
    },
    async ({ raw, params: { id }, body }) => {
      const { row } = await requireVideo(deps, raw, 'edit', id);
      await requireTrimmable(deps, row);
      if (!(await trim(deps, raw, row, body)))
        throw problem('busy', 'Others are changing this video. Try again.');
      deps.onRecord();
      return readVideo(deps, raw, id);
    },
  );
}

/** @throws Problem 409, 410 */
async function requireTrimmable({ db }: StudioDeps, row: VideoRow): Promise<void> {
  if (row.state === 'withdrawn') throw problem('video-withdrawn', 'This video was withdrawn.');
  if (row.state !== 'ready' || row.revision === null) throw notReady('Trim it when it is ready.');
  if (parsePrepared(row)?.takenOver) throw problem('video-taken-over');
  const [job] = await listJobProgress(db, { video: row.id, limit: 1 });
  if (job?.state === 'open') throw notReady('It is still being converted.');
}

const notReady = (why: string): Problem =>
  problem('video-not-ready', `This video cannot be trimmed yet. ${why}`);

/** The untrimmed video. */
interface Untrimmed {
  readonly indexes: readonly string[];
  readonly renditions: PreparedSource['renditions'];
  readonly durationMs: number;
  readonly trim: Trim | undefined;
}

async function findWhole({ db }: StudioDeps, row: VideoRow, prepared: PreparedSource): Promise<Untrimmed> {
  const trim = parseTrim(row);
  if (trim) return { ...trim, trim };
  const found = row.revision && (await locateRevision(db, row.id, row.revision));
  if (typeof found !== 'object' || !found) throw notReady('Its files are unavailable.');
  const { renditions, durationMs } = prepared;
  return { indexes: found.indexes, renditions, durationMs, trim };
}

/** @returns false if the video was changed meanwhile */
async function trim(
  deps: StudioDeps,
  request: IncomingMessage,
  row: VideoRow,
  marks: Marks,
): Promise<boolean> {
  const { db, storage } = deps;
  const prepared = parsePrepared(row);
  if (!prepared) throw notReady('Its source was not checked.');
  const whole = await findWhole(deps, row, prepared);
  const from = (whole.trim?.startSeconds ?? 0) * 1_000;
  const isWhole = 'whole' in marks;
  const trimmed =
    'whole' in marks
      ? undefined
      : await trimVideo(storage, row.id, {
          indexes: whole.indexes,
          range: {
            startSeconds: (from + marks.startMs) / 1_000,
            endSeconds:
              Math.min(from + marks.endMs, (whole.trim?.endSeconds ?? Number.POSITIVE_INFINITY) * 1_000) /
              1_000,
          },
        });
  const range = trimmed?.range ?? { startSeconds: 0, endSeconds: whole.durationMs / 1_000 };
  const { durationMs, renditions } = trimmed ?? whole;
  const startMs = Math.round(range.startSeconds * 1_000);
  const move = { video: row.id, byMs: from - range.startSeconds * 1_000, durationMs };
  const extras = await moveExtras(deps, parseExtras(row.extras), { whole, move, isWhole });
  const details = parseDetails(row);
  const before = whole.trim
    ? restoreChapters(whole.trim.chapters, details.chapters ?? [], {
        startMs: Math.round(from),
        endMs: Math.round(whole.trim.endSeconds * 1_000),
      })
    : (details.chapters ?? []);
  const chapters = isWhole ? before : cutChapters(before, startMs, startMs + durationMs);
  const { chapters: _replaced, ...others } = details;
  const kept: Trim = {
    ...range,
    indexes: [...whole.indexes],
    renditions: [...whole.renditions],
    durationMs: whole.durationMs,
    ...(extras.wholePoster === undefined ? {} : { poster: extras.wholePoster }),
    captions: extras.sources,
    chapters: [...before],
  };
  const revision = newRevisionId();
  return changeVideo(db, row.id, {
    onlyFrom: ['ready'],
    onlyIf: { revision: row.revision, details: row.details },
    changes: {
      revision,
      prepared: JSON.stringify({ ...prepared, durationMs, renditions }),
      extras: JSON.stringify(extras.extras),
      trim: isWhole ? null : JSON.stringify(kept),
      ...detailsColumns({ ...others, ...(chapters.length > 0 ? { chapters: [...chapters] } : {}) }),
    },
    record: video => makeRecord(video, deps),
    also: async transaction => {
      await insertRevisionWithExtras(transaction, revision, row.id, trimmed?.indexes ?? whole.indexes);
      await deps.note(
        request,
        {
          action: 'video.trim',
          object: objectOf(row.id),
          before: { durationMs: prepared.durationMs },
          after: isWhole ? { durationMs } : { durationMs, startMs },
        },
        transaction,
      );
    },
  });
}

interface ExtrasMove {
  readonly whole: Untrimmed;
  readonly isWhole: boolean;
  readonly move: { readonly video: VideoId; readonly byMs: number; readonly durationMs: number };
}

/**
 * The images and captions of the new timeline. Captions that nobody has edited since the first trim are made from the untrimmed ones,
 * so nothing of them is lost. The poster may show a part that is cut, so a trimmed video has none until another one is set.
 */
async function moveExtras(
  { storage }: StudioDeps,
  before: Extras,
  { whole: { trim }, isWhole, move }: ExtrasMove,
): Promise<{
  readonly extras: Extras;
  readonly wholePoster: string | undefined;
  readonly sources: Record<string, string>;
}> {
  const fromWhole = -((trim?.startSeconds ?? 0) * 1_000) + move.byMs;
  const sources: Record<string, string> = {};
  const captions: CaptionsTrack[] = [];
  for (const track of before.captions) {
    const untrimmed = trim ? trim.captions[track.file] : track.file;
    if (isWhole && untrimmed !== undefined) {
      captions.push({ ...track, file: untrimmed });
      continue;
    }
    const moved =
      untrimmed === undefined
        ? await moveCaptions(storage, track, move)
        : await moveCaptions(storage, { ...track, file: untrimmed }, { ...move, byMs: fromWhole });
    if (untrimmed !== undefined) sources[moved.file] = untrimmed;
    captions.push(moved);
  }
  const { storyboard } = before;
  const wholePoster = trim ? trim.poster : before.poster;
  const poster = isWhole ? (before.poster ?? wholePoster) : trim ? before.poster : undefined;
  const fromMs = Math.round((storyboard?.fromMs ?? 0) - move.byMs);
  return {
    extras: {
      ...(poster === undefined ? {} : { poster }),
      ...(storyboard ? { storyboard: { ...storyboard, fromMs: Math.max(0, fromMs) } } : {}),
      captions,
    },
    wholePoster,
    sources,
  };
}
