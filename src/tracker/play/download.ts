/** `GET /download/{id}`: redirects to the file at the best site that has it. Sites make the file and check the permission again. */
import * as z from 'zod';
import type { HttpServer } from '../../kernel/http/server.ts';
import { type Problem, problem } from '../../kernel/problem.ts';
import { downloadFile, SOURCE_FOLDER } from '../../protocol/media/download-file.ts';
import { mediaPath, type Rendition } from '../../protocol/media/media.ts';
import type { TrackerAudit } from '../audit/audit.ts';
import { addressOf, clientQuery, parseVideoId } from '../client/client.ts';
import { type CredentialsDeps, credentialsOf } from '../client/house-networks.ts';
import type { Viewers } from '../client/viewers.ts';
import type { TrackerConfig } from '../config.ts';
import type { RegisteredVideo } from '../registry/registry.ts';
import type { Decider } from './decide.ts';
import type { Instrument } from './instrument.ts';

export interface DownloadDeps extends CredentialsDeps {
  readonly config: Pick<TrackerConfig, 'baseUrl' | 'hosts' | 'trustClientParameter' | 'trustedProxies'>;
  readonly decider: Pick<Decider, 'play' | 'holders'>;
  readonly audit: Pick<TrackerAudit, 'recordWatch'>;
  readonly viewers: Viewers;
  readonly instrument: Instrument;
}

export function serveDownload(app: HttpServer, deps: DownloadDeps): void {
  const { config, decider, viewers, audit, instrument } = deps;
  app.get(
    '/download/:id',
    {
      schema: {
        description:
          'Redirects to a file to download, at the best site that has it: a rendition as progressive MP4 (`?rendition=` its id, or the best one), or the uploaded file (`?rendition=source`).',
        params: z.object({ id: z.string().max(64) }),
        querystring: clientQuery.extend({ rendition: z.string().max(40).optional() }),
      },
    },
    async (request, reply) =>
      instrument.count('redirect', () => {
        const id = parseVideoId(request.params.id);
        const { client, grant, rendition } = request.query;
        const address = addressOf(request, client, config);
        const credentials = credentialsOf(request, address, grant, deps);
        const decision = decider.play(id, { client: viewers.at(address), credentials });
        const { video } = decision;
        const file = selectFile(video, rendition);
        const holders = decider.holders(decision);
        // Copies consist of the files for playback. Only the video's own site has the upload.
        const target = file.startsWith(`${SOURCE_FOLDER}/`)
          ? holders.find(({ site }) => site === video.site)
          : holders[0];
        if (!target) throw ownSiteUnavailable();
        if (decision.access) audit.recordWatch({ video: id, address, credentials: { grant } });
        const name = `?name=${encodeURIComponent(video.name)}`;
        reply.header('referrer-policy', 'no-referrer');
        return reply.redirect(target.mediaUrl + mediaPath(id, video.revision, file) + name, 302);
      }),
  );
}

/**
 * The file of this rendition, relative to the revision. Without one, it is the best that may be downloaded.
 *
 * @throws Problem 403 `download-not-allowed`, 404 `file-unknown`
 */
function selectFile(
  { downloads, renditions, isGrowing }: RegisteredVideo,
  wanted: string | undefined,
): string {
  if (downloads === undefined) throw problem('download-not-allowed');
  const isSource = wanted === SOURCE_FOLDER || (wanted === undefined && downloads === 'source');
  if (isSource !== (downloads === 'source')) {
    throw problem(
      'download-not-allowed',
      downloads === 'source'
        ? 'Only the uploaded file of this video may be downloaded: ?rendition=source.'
        : 'The renditions of this video may be downloaded, but not the uploaded file.',
    );
  }
  if (isSource) return `${SOURCE_FOLDER}/${downloadFile('source')}`;
  if (isGrowing)
    throw problem('video-not-ready', 'This video can be downloaded when its conversion is complete.');
  const chosen = wanted === undefined ? bestOf(renditions) : renditions.find(({ id }) => id === wanted);
  if (!chosen || chosen.kind === 'captions')
    throw problem('file-unknown', 'This video has no such rendition. Request /download/{id} without one.');
  return `${chosen.id}/${downloadFile(chosen.kind)}`;
}

/** The largest video that most programs play: H.264, if there is one. */
function bestOf(renditions: readonly Rendition[]): Rendition | undefined {
  const videos = renditions.filter(rendition => rendition.kind === 'video');
  const common = videos.filter(({ codec }) => codec.startsWith('avc1'));
  const [first, ...others] = common.length > 0 ? common : videos;
  if (!first) return renditions.find(({ kind }) => kind === 'audio');
  return others.reduce((best, other) => (other.height > best.height ? other : best), first);
}

const ownSiteUnavailable = (): Problem =>
  problem('no-source', 'The site with the uploaded file cannot be reached now. Try again later.', {
    headers: { 'retry-after': '60' },
  });
