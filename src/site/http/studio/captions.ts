/** The calls of the studio for captions: add a file, remove a track. Each makes a new revision of the same renditions. */
import type { FastifyRequest } from 'fastify';
import * as z from 'zod';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { type Problem, problem } from '../../../kernel/problem.ts';
import { type VideoId, videoIdSchema } from '../../../protocol/base/ids.ts';
import { MAX_CAPTION_TRACKS, MAX_CAPTIONS_BYTES } from '../../../protocol/base/limits.ts';
import type { AuditEvent } from '../../../protocol/people/audit.ts';
import { newCaptionsQuerySchema } from '../../../protocol/site.ts';
import { changeExtras, type Extras } from '../../database/extras.ts';
import type { VideoRow } from '../../database/tables/schema.ts';
import {
  addCaptions,
  CaptionsRejected,
  type Cue,
  parseCaptions,
  writeCaptions,
} from '../../media/extras/extras.ts';
import { makeRecord, parsePrepared } from '../../media/record/record.ts';
import type { Storage } from '../../media/storage/storage.ts';
import type { NoteAudit } from '../audit-note.ts';
import { objectOf, requireVideo, type VideoAccessDeps } from './video-access.ts';

export interface CaptionsDeps extends VideoAccessDeps {
  readonly storage: Storage;
  readonly sourceAddress: string;
  readonly note: NoteAudit;
  readonly onRecord: () => void;
}

type Json = NonNullable<AuditEvent['after']>;
const paramsSchema = z.object({ id: videoIdSchema });
const changedSchema = z.strictObject({ captions: z.array(z.string()) });

export function serveCaptions(app: HttpServer, options: CaptionsDeps): void {
  // The types that browsers and curl send for caption files. They are ignored, and the content is parsed.
  app.addContentTypeParser(
    ['text/vtt', 'application/x-subrip', 'application/octet-stream', 'text/plain'],
    // A limit here would apply to every route that has none.
    { parseAs: 'buffer' },
    (_request, body, done) => done(null, body),
  );

  app.post(
    '/api/videos/:id/captions',
    {
      bodyLimit: MAX_CAPTIONS_BYTES,
      // Before the body is read.
      onRequest: async request => void (await requireEdit(request)),
      schema: {
        description: 'Adds captions (WebVTT or SubRip, at most 1 MB) in a language.',
        params: z.object({ id: videoIdSchema }),
        querystring: newCaptionsQuerySchema,
        response: { 201: changedSchema },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      requireReady(await requireEdit(request));
      const cues = parse(request.body, request.query.language);
      const track = await writeCaptions(options.storage.directory(id), {
        ...request.query,
        cues,
        from: 'upload',
      });
      const ids = await change(id, extras => {
        if (extras.captions.length >= MAX_CAPTION_TRACKS) {
          throw problem(
            'captions-too-many',
            `A video can have at most ${MAX_CAPTION_TRACKS} caption tracks. Remove one first.`,
          );
        }
        return addCaptions(extras, [track]);
      });
      const { language } = request.query;
      await note(request, { after: { captions: track.rendition.id, language } });
      return reply.code(201).send({ captions: ids });
    },
  );

  app.delete(
    '/api/videos/:id/captions/:captions',
    {
      schema: {
        description: 'Removes a caption track.',
        params: z.object({ id: videoIdSchema, captions: z.string().max(40) }),
        response: { 200: changedSchema },
      },
    },
    async request => {
      const { id, captions } = request.params;
      requireReady(await requireEdit(request));
      const left = await change(id, extras => {
        const others = extras.captions.filter(({ rendition }) => rendition.id !== captions);
        if (others.length === extras.captions.length) {
          throw problem('captions-unknown', 'This video has no such caption track.');
        }
        return { ...extras, captions: others };
      });
      await note(request, { before: { captions } });
      return { captions: left };
    },
  );

  const requireEdit = async (request: FastifyRequest): Promise<VideoRow> =>
    (await requireVideo(options, request.raw, 'edit', idOf(request))).row;
  const note = (request: FastifyRequest, change: { readonly before?: Json; readonly after?: Json }) =>
    options.note(request.raw, { action: 'captions.edit', object: objectOf(idOf(request)), ...change });

  async function change(id: VideoId, act: (before: Extras) => Extras): Promise<string[]> {
    let ids: string[] = [];
    const changed = await changeExtras(options.db, id, {
      change: before => {
        const after = act(before);
        ids = after.captions.map(({ rendition }) => rendition.id);
        return after;
      },
      record: video => makeRecord(video, options),
    });
    if (!changed) throw notReady();
    options.onRecord();
    return ids;
  }
}

function idOf({ params }: FastifyRequest): VideoId {
  const parsed = paramsSchema.safeParse(params);
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

const notReady = (): Problem =>
  problem('video-not-ready', 'Captions can be changed once the video is ready.');

function parse(body: unknown, language: string): readonly Cue[] {
  if (!Buffer.isBuffer(body) || body.length === 0) {
    throw problem('captions-missing', 'Send the caption file itself, as text/vtt or application/x-subrip.');
  }
  try {
    return parseCaptions(body, language);
  } catch (error) {
    if (error instanceof CaptionsRejected) throw problem('captions-invalid', error.message);
    throw error;
  }
}
