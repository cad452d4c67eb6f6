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
      const { video, downloads, container } = record;
      if (downloads === 'source' || downloads === 'renditions')
        return {
          url: `${tracker}/download/${video}`,
          type: CONTAINER_TYPES[container] ?? 'video/mp4',
        };
      return { url: `${tracker}/play/${video}.m3u8`, type: HLS_TYPE };
    },
    poster: ({ video, pictures }) =>
      tracker === undefined || !pictures?.poster ? undefined : `${tracker}/go/${video}/${POSTER}`,
  };
}
