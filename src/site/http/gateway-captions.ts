/**
 * The call of the gateway with which central reads the captions of a published video, for its search. It never returns a draft, or
 * captions of a withdrawn video.
 */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { HttpServer } from '../../kernel/http/server.ts';
import { problem } from '../../kernel/problem.ts';
import {
  type CaptionsQuery,
  captionsQuerySchema,
  type DeliveredCaptions,
  type DeliveredCues,
  deliveredCaptionsSchema,
} from '../../protocol/publication/gateway.ts';
import { locateRevision } from '../database/revisions.ts';
import type { SiteDatabase } from '../database/tables/videos.ts';
import { readCuesOf, tagOf } from '../media/extras/extras.ts';
import type { Storage } from '../media/storage/storage.ts';
import { type CentralOnlyDeps, requireCentralOf } from './gateway.ts';

const compress = promisify<Buffer, Buffer>(gzip);

export interface GatewayCaptionsDeps extends CentralOnlyDeps {
  readonly db: SiteDatabase;
  readonly storage: Pick<Storage, 'open'>;
}

export function serveGatewayCaptions(app: HttpServer, deps: GatewayCaptionsDeps): void {
  const requireCentral = requireCentralOf(deps);
  app.get(
    '/gateway/captions',
    {
      schema: {
        description:
          'Returns the captions of a revision in one language, without markup (central only, signed).',
        querystring: captionsQuerySchema,
        response: { 200: deliveredCaptionsSchema },
      },
    },
    async request => {
      await requireCentral(request);
      return deliver(deps, request.query);
    },
  );
}

/** @throws Problem 404 `captions-unknown` */
async function deliver(
  { db, storage }: GatewayCaptionsDeps,
  { video, revision, language, known }: CaptionsQuery,
): Promise<DeliveredCaptions> {
  const found = await locateRevision(db, video, revision);
  const captions = found === undefined || found === 'withdrawn' ? [] : found.extras.captions;
  const tag = tagOf(captions, language);
  if (tag === undefined) {
    throw problem(
      'captions-unknown',
      'This revision is not published here, or has no captions in this language.',
    );
  }
  if (tag === known) return { tag };
  const cues = await readCuesOf(name => storage.open(video, name), captions, language);
  const rows: DeliveredCues = cues.map(({ startMs, endMs, text }) => [startMs, endMs, text]);
  return { tag, cues: (await compress(Buffer.from(JSON.stringify(rows)))).toString('base64') };
}
