/** Absolute addresses for programs that read a page elsewhere: in search engines, feed readers and other pages. */
import type { FastifyRequest } from 'fastify';
import { isOwnHost } from '../../../kernel/http/own-names.ts';
import { POSTER } from '../../../protocol/media/media-address.ts';
import type { VideoRecord } from '../../../protocol/publication/record.ts';
import { type CentralContext, listTrackerUrls } from '../context/context.ts';

export interface Addresses {
  /** Of central, without a slash at the end. */
  readonly base: string;
  watch(video: VideoRecord): string;
  embed(video: VideoRecord): string;
  /** Undefined if no tracker has joined. */
  media(video: VideoRecord): MediaAddress | undefined;
  /** Undefined if the video has no poster, or no tracker has joined. */
  poster(video: VideoRecord): string | undefined;
}

export interface MediaAddress {
  readonly url: string;
  readonly type: string;
  /** About how many bytes it has. */
  readonly sizeBytes: number;
}

const CONTAINER_TYPES: Readonly<Record<string, string>> = {
  mp4: 'video/mp4',
  mov: 'video/quicktime',
  mkv: 'video/x-matroska',
  matroska: 'video/x-matroska',
  webm: 'video/webm',
};
const HLS_TYPE = 'application/vnd.apple.mpegurl';

/** The base URL of the settings; without one, the host of the request if it is a name of this central. */
function baseOf(request: FastifyRequest, { config, ownUrl }: CentralContext): string {
  const { host } = request.headers;
  if (config.baseUrl !== undefined || host === undefined || !isOwnHost(host, config)) {
    return new URL(ownUrl()).origin;
  }
  return new URL(`http://${host}`).origin;
}

export async function addressesFor(request: FastifyRequest, context: CentralContext): Promise<Addresses> {
  const base = baseOf(request, context);
  const [tracker] = await listTrackerUrls(context.db);
  return {
    base,
    watch: ({ video }) => `${base}/watch/${video}`,
    embed: ({ video }) => `${base}/embed/${video}`,
    media(record) {
      if (tracker === undefined) return undefined;
      const { video, downloads, container, sizeBytes, isGrowing } = record;
      const file = `${tracker}/download/${video}`;
      if (downloads === 'source')
        return { url: file, type: CONTAINER_TYPES[container] ?? 'video/mp4', sizeBytes };
      const streamedBytes = Math.ceil((record.bitrateBps * record.durationMs) / 8_000);
      // Without a rendition in its query, the address leads to the best one.
      if (downloads === 'renditions' && !isGrowing)
        return { url: file, type: record.width ? 'video/mp4' : 'audio/mp4', sizeBytes: streamedBytes };
      return { url: `${tracker}/play/${video}.m3u8`, type: HLS_TYPE, sizeBytes: streamedBytes };
    },
    poster: ({ video, pictures }) =>
      tracker === undefined || !pictures?.poster ? undefined : `${tracker}/go/${video}/${POSTER}`,
  };
}
