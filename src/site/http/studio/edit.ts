/** Edits a video: its texts, series, audience and owner. Each of them needs its own permission. */
import type { IncomingMessage } from 'node:http';
import * as z from 'zod';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { problem } from '../../../kernel/problem.ts';
import { type VideoId, videoIdSchema } from '../../../protocol/base/ids.ts';
import { type SiteVideoEdit, siteVideoEditSchema, siteVideoSchema } from '../../../protocol/site.ts';
import { changeVideo, type VideoChange } from '../../database/publication/records.ts';
import { isServedPrivately, targetOf } from '../../database/tables/people-columns.ts';
import type { VideoRow } from '../../database/tables/schema.ts';
import { findVideo, type VideoWithRecord } from '../../database/tables/videos.ts';
import { makeRecord } from '../../media/record/record.ts';
import { type EditedValues, editedValues, editionOf } from './edited-values.ts';
import { planEdit, planTransfer } from './plan-edit.ts';
import { readVideo } from './site-video.ts';
import type { StudioDeps } from './studio-deps.ts';
import { objectOf, requireVideo } from './video-access.ts';

/** An edit that another change overtakes is decided again, because it may need other permissions now. */
const MAX_ATTEMPTS = 5;
const RECORDED: ReadonlySet<VideoRow['state']> = new Set(['ready', 'preparing']);

export function serveEdit(app: HttpServer, deps: StudioDeps): void {
  app.patch(
    '/api/videos/:id',
    {
      schema: {
        description:
          'Edits what people say about a video, its series, audience or owner. This makes a new version of the record. With `If-Match` and the `edition` of a video, an edit of somebody else in between is not overwritten.',
        params: z.object({ id: videoIdSchema }),
        body: siteVideoEditSchema,
        response: { 200: siteVideoSchema },
      },
    },
    async ({ raw, params: { id }, body, headers }) => {
      await editVideo(deps, raw, id, { edit: () => body, edition: headers['if-match'] });
      return readVideo(deps, raw, id);
    },
  );
}

export interface EditRequest {
  /** Made for each attempt, from the video as it is then. */
  readonly edit: (row: VideoWithRecord) => SiteVideoEdit;
  /** The edition that the person has seen, with or without quotes. Absent: any. */
  readonly edition?: string | undefined;
  /** Checks everything, and changes nothing. */
  readonly isPreview?: boolean;
}

export interface EditOutcome {
  readonly before: EditedValues;
  readonly after: EditedValues;
}

/** @throws Problem 401, 403, 404, 409 `video-withdrawn`, 412 `video-changed`, 503 `busy` */
export async function editVideo(
  deps: StudioDeps,
  request: IncomingMessage,
  id: VideoId,
  wanted: EditRequest,
): Promise<EditOutcome> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const outcome = await tryEdit(deps, request, id, wanted);
    if (outcome) return outcome;
  }
  throw problem('busy', 'Others are changing this video. Reload it and try again.');
}

/** @returns undefined if the video was changed meanwhile, and nothing was done */
async function tryEdit(
  deps: StudioDeps,
  request: IncomingMessage,
  id: VideoId,
  { edit: makeEdit, edition, isPreview = false }: EditRequest,
): Promise<EditOutcome | undefined> {
  const { db, guard, rights } = deps;
  const { row } = await requireVideo(deps, request, 'edit', id);
  if (row.state === 'withdrawn')
    throw problem('video-withdrawn', 'This video was withdrawn and can no longer be edited.');
  if (edition !== undefined && edition.replaceAll('"', '') !== editionOf(row)) throw problem('video-changed');
  const edit = makeEdit(row);
  const { changes, needs, entries, newOwner } = planEdit(row, edit, {
    target: targetOf(deps.siteId(), row),
    fields: deps.fields(),
    nowMs: Date.now(),
  });
  for (const { action, target } of needs) await guard.require(request, action, target, objectOf(id));
  const transfer = newOwner === undefined ? undefined : planTransfer(row, await deps.findPerson(newOwner));
  const all = { ...changes, ...transfer?.changes };
  const outcome = { before: editedValues(row, edit), after: editedValues({ ...row, ...all }, edit) };
  if (isPreview) return outcome;
  // This comes before the database, so that a private video is never served to everybody.
  if (isServedPrivately({ ...row, ...all })) rights.markOwn(id, true);
  const isDone = await changeVideo(db, id, {
    onlyFrom: [row.state],
    onlyIf: { ...decidedFrom(row), ...editedFrom(row) },
    changes: all,
    // A video in conversion has a record, too, once its beginning can be played.
    record: video =>
      video.revision !== null && RECORDED.has(video.state) ? makeRecord(video, deps) : undefined,
    also: async transaction => {
      for (const entry of transfer ? [...entries, transfer.entry] : entries)
        await deps.note(request, { ...entry, object: objectOf(id) }, transaction);
    },
  });
  await markServed(deps, id);
  if (isDone) deps.onRecord();
  return isDone ? outcome : undefined;
}

/** What an edit starts from besides that: another edit in between must not be lost. */
const editedFrom = ({
  name,
  description,
  language,
  details,
}: VideoRow): NonNullable<VideoChange['onlyIf']> => ({
  name,
  description,
  language,
  details,
});

/** What permissions are decided from. */
export const decidedFrom = ({
  approval,
  private: isPrivate,
  audience,
  groups,
  series_id,
  owner_id,
}: VideoRow): NonNullable<VideoChange['onlyIf']> => ({
  approval,
  private: isPrivate,
  audience,
  groups,
  series_id,
  owner_id,
});

/** From now on the video is served as its row says. */
export async function markServed({ db, rights }: StudioDeps, id: VideoId): Promise<void> {
  const row = await findVideo(db, id);
  if (row) rights.markOwn(id, isServedPrivately(row));
}
