/** The calls of the studio for captions: tracks, drafts, and their cues as WebVTT. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import * as z from 'zod';
import type { HttpServer } from '../../../../kernel/http/server.ts';
import { problem } from '../../../../kernel/problem.ts';
import { type VideoId, videoIdSchema } from '../../../../protocol/base/ids.ts';
import { MAX_CAPTIONS_BYTES } from '../../../../protocol/base/limits.ts';
import {
  captionListSchema,
  captionTrackEditSchema,
  createCaptionsSchema,
  newCaptionsQuerySchema,
} from '../../../../protocol/captions.ts';
import type { SiteJob } from '../../../../protocol/job.ts';
import type { AuditEvent } from '../../../../protocol/people/audit.ts';
import type { VideoRow } from '../../../database/tables/schema.ts';
import { findCaptionsJob, hasAudio, queueCaptions } from '../../../media/conversion/conversion.ts';
import { CaptionsRejected, type Cue, parseCaptions, parseCues } from '../../../media/extras/extras.ts';
import { parsePrepared } from '../../../media/record/record.ts';
import type { NoteAudit } from '../../audit-note.ts';
import { formatJob } from '../lists/format-job.ts';
import { objectOf, requireVideo, type VideoAccessDeps } from '../video-access.ts';
import {
  addDraft,
  addPublished,
  describeTrack,
  listTracks,
  notReady,
  publishDraft,
  readTrack,
  removeTrack,
  replaceCues,
  type TracksDeps,
} from './tracks.ts';

export interface CaptionsDeps extends VideoAccessDeps, TracksDeps {
  readonly note: NoteAudit;
  /** True if this site has a speech program. */
  readonly hasProgram: boolean;
  /** Called when a worker may have something to do. */
  readonly onJob: () => void;
}

type Json = NonNullable<AuditEvent['after']>;
const videoParams = z.object({ id: videoIdSchema });
const trackParams = z.object({ id: videoIdSchema, captions: z.string().max(40) });
const changedSchema = z.strictObject({ captions: z.array(z.string()) });
const idSchema = z.strictObject({ id: z.string() });
const WEBVTT = 'text/vtt; charset=utf-8';
/** The studio compresses responses, whose tags then end in this. */
const CODED_TAG = /-gzip$/;

export function serveCaptions(app: HttpServer, options: CaptionsDeps): void {
  // The types that browsers and curl send for caption files. They are ignored, and the content is parsed.
  app.addContentTypeParser(
    ['text/vtt', 'application/x-subrip', 'application/octet-stream', 'text/plain'],
    // A limit here would apply to every route that has none.
    { parseAs: 'buffer' },
    (_request, body, done) => done(null, body),
  );
  const requireEdit = async (request: FastifyRequest): Promise<VideoRow> =>
    (await requireVideo(options, request.raw, 'edit', idOf(request))).row;
  const requireChange = async (request: FastifyRequest): Promise<VideoRow> => {
    const row = await requireEdit(request);
    requireReady(row);
    return row;
  };
  const note = (request: FastifyRequest, change: { readonly before?: Json; readonly after?: Json }) =>
    options.note(request.raw, { action: 'captions.edit', object: objectOf(idOf(request)), ...change });

  app.get(
    '/api/videos/:id/captions',
    {
      schema: {
        description: 'Lists the caption tracks of a video, with drafts.',
        params: videoParams,
        response: { 200: captionListSchema },
      },
    },
    async request => {
      const row = await requireEdit(request);
      const job = await findCaptionsJob(options.db, row);
      return {
        tracks: [...(await listTracks(options.db, row))],
        canCreate: options.hasProgram && hasAudio(row),
        ...(job ? { job: describeJob(formatJob(job)) } : {}),
      };
    },
  );

  app.post(
    '/api/videos/:id/captions',
    {
      bodyLimit: MAX_CAPTIONS_BYTES,
      // Before the body is read.
      onRequest: async request => void (await requireEdit(request)),
      schema: {
        description: 'Adds captions (WebVTT, SubRip or SubStation Alpha, at most 1 MB) in a language.',
        params: videoParams,
        querystring: newCaptionsQuerySchema,
        response: { 201: changedSchema },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      await requireChange(request);
      const { language, name, draft } = request.query;
      const cues = parse(request.body, { language, mayBeEmpty: draft });
      const track = { cues, language, name, from: 'upload' as const };
      const ids = draft ? [await addDraft(options, id, track)] : await addPublished(options, id, track);
      await note(request, { after: { captions: ids.at(-1) ?? '', language, ...(draft ? { draft } : {}) } });
      return reply.code(201).send({ captions: ids });
    },
  );

  serveTrack(app, { options, requireEdit, requireChange, note });
  serveCreation(app, { options, requireEdit, requireChange, note });
}

const describeJob = ({ id, state, progress, error }: SiteJob) => ({
  ...{ id, state, progress },
  ...(error === undefined ? {} : { error }),
});

function serveCreation(app: HttpServer, { options, requireEdit, requireChange, note }: TrackCalls): void {
  app.post(
    '/api/videos/:id/captions/create',
    {
      onRequest: async request => void (await requireEdit(request)),
      schema: {
        description: 'Runs the speech program of the site, which makes a draft of captions.',
        params: videoParams,
        body: createCaptionsSchema,
        response: { 202: idSchema },
      },
    },
    async (request, reply) => {
      const row = await requireChange(request);
      if (!options.hasProgram || !hasAudio(row)) {
        throw problem(
          'captions-program-missing',
          'This site has no speech program, or this video has no audio.',
        );
      }
      if ((await findCaptionsJob(options.db, row))?.state === 'open') throw problem('captions-being-created');
      const language = request.body.language ?? row.language ?? undefined;
      const id = await queueCaptions(options.db, options.storage, row, language);
      await note(request, { after: { job: id, ...(language ? { language } : {}) } });
      options.onJob();
      return reply.code(202).send({ id });
    },
  );
}

interface TrackCalls {
  readonly options: CaptionsDeps;
  readonly requireEdit: (request: FastifyRequest) => Promise<VideoRow>;
  /** Also that the captions of the video can be changed. */
  readonly requireChange: (request: FastifyRequest) => Promise<VideoRow>;
  readonly note: (request: FastifyRequest, change: { before?: Json; after?: Json }) => Promise<void>;
}

function serveTrack(app: HttpServer, { options, requireEdit, requireChange, note }: TrackCalls): void {
  app.get(
    '/api/videos/:id/captions/:captions',
    { schema: { description: 'Returns a caption track as WebVTT, with an ETag.', params: trackParams } },
    async (request, reply) => {
      const row = await requireEdit(request);
      const { tag, text } = await readTrack(options, row, request.params.captions);
      return sendTrack(reply, tag, text);
    },
  );

  app.put(
    '/api/videos/:id/captions/:captions',
    {
      bodyLimit: MAX_CAPTIONS_BYTES,
      onRequest: async request => void (await requireEdit(request)),
      schema: {
        description:
          'Replaces a caption track, if it is still the one that If-Match names. Returns it as it is stored.',
        params: trackParams,
      },
    },
    async (request, reply) => {
      const row = await requireChange(request);
      const { captions } = request.params;
      const cues = parse(request.body, { mayBeEmpty: true });
      const { tag, text } = await replaceCues(options, row, captions, { cues, tag: requireMatch(request) });
      await note(request, { after: { captions, cues: cues.length } });
      return sendTrack(reply, tag, text);
    },
  );

  app.patch(
    '/api/videos/:id/captions/:captions',
    {
      schema: {
        description: 'Changes the language or the name of a caption track.',
        params: trackParams,
        body: captionTrackEditSchema,
        response: { 200: idSchema },
      },
    },
    async request => {
      const row = await requireChange(request);
      const { captions } = request.params;
      const id = await describeTrack(options, row, captions, request.body);
      const { language, name } = request.body;
      await note(request, {
        before: { captions },
        after: { captions: id, ...(language ? { language } : {}), ...(name ? { name } : {}) },
      });
      return { id };
    },
  );

  app.delete(
    '/api/videos/:id/captions/:captions',
    {
      schema: {
        description: 'Removes a caption track.',
        params: trackParams,
        response: { 200: changedSchema },
      },
    },
    async request => {
      const row = await requireChange(request);
      const { captions } = request.params;
      const left = await removeTrack(options, row, captions);
      await note(request, { before: { captions } });
      return { captions: left };
    },
  );

  app.post(
    '/api/videos/:id/captions/:captions/publish',
    {
      schema: {
        description: 'Publishes a draft of captions.',
        params: trackParams,
        response: { 200: idSchema },
      },
    },
    async request => {
      const row = await requireChange(request);
      const { captions } = request.params;
      const id = await publishDraft(options, row, captions);
      await note(request, { before: { draft: captions }, after: { captions: id } });
      return { id };
    },
  );
}

function idOf({ params }: FastifyRequest): VideoId {
  const parsed = videoParams.safeParse(params);
  if (parsed.success) return parsed.data.id;
  throw problem('video-unknown', 'This site has no such video.');
}

function requireReady(row: VideoRow): void {
  if (row.state === 'withdrawn') throw problem('video-withdrawn', 'This video was withdrawn.');
  if (row.state !== 'ready') throw notReady();
  if (parsePrepared(row)?.takenOver) {
    throw problem(
      'video-taken-over',
      'This site has taken over this video from a lost site. It is played as it was copied, and its captions cannot be changed.',
    );
  }
}

const sendTrack = (reply: FastifyReply, tag: string, text: string): FastifyReply =>
  reply.header('etag', `"${tag}"`).header('cache-control', 'no-store').type(WEBVTT).send(text);

/** RFC 9110, section 13.1.1: "*" would overwrite what nobody has seen, so it is refused. */
function requireMatch({ headers }: FastifyRequest): string {
  const tag = /^"([\w-]{1,80})"$/.exec(headers['if-match'] ?? '')?.[1];
  if (tag === undefined) {
    throw problem(
      'captions-match-needed',
      'Send the ETag of the captions that you have changed as If-Match.',
    );
  }
  return tag.replace(CODED_TAG, '');
}

/** @throws Problem 415 `captions-missing`, 422 `captions-invalid` */
function parse(
  body: unknown,
  { language, mayBeEmpty }: { readonly language?: string; readonly mayBeEmpty: boolean },
): readonly Cue[] {
  if (!Buffer.isBuffer(body) || body.length === 0) {
    throw problem('captions-missing', 'Send the caption file itself, as text/vtt or application/x-subrip.');
  }
  try {
    return mayBeEmpty ? parseCues(body, language) : parseCaptions(body, language);
  } catch (error) {
    if (error instanceof CaptionsRejected) throw problem('captions-invalid', error.message);
    throw error;
  }
}
