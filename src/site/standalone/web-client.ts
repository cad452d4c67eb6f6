/** The calls of a buffer in its own process to web, which has joined central and has the site's key. */
import * as z from 'zod';
import { call } from '../../kernel/http/client.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import { type SiteInfo, siteInfoSchema } from '../../protocol/site.ts';
import { type UpstreamResponse, upstreamResponseSchema } from '../delivery/delivery.ts';
import {
  type RemoteRights,
  RIGHTS_PATH,
  remoteRightsSchema,
  UPSTREAMS_PATH,
  WATCHES_PATH,
  type Watch,
} from '../rights/remote-rights.ts';

const TIMEOUT_MS = 5_000;
const MAX_INFO_BYTES = 64 * 1024;
/** Enough for half a million private videos. */
const MAX_RIGHTS_BYTES = 2 ** 25;

/** Every call rejects with a Problem. */
export interface WebClient {
  /** @param known `knownVersion` of the last response */
  fetchRights(known: string, abort: AbortSignal): Promise<RemoteRights>;
  fetchUpstreams(video: VideoId): Promise<UpstreamResponse>;
  fetchSiteInfo(abort: AbortSignal): Promise<SiteInfo>;
  reportWatch(watch: Watch): Promise<void>;
}

export function createWebClient(webUrl: string, operatorToken: string): WebClient {
  const get = <T>(path: string, maxBytes: number, response: z.ZodType<T>, abort?: AbortSignal): Promise<T> =>
    call(webUrl + path, {
      headers: { authorization: `Bearer ${operatorToken}` },
      timeoutMs: TIMEOUT_MS,
      maxBytes,
      response,
      abort,
    });
  return {
    fetchRights: (known, abort) =>
      get(`${RIGHTS_PATH}?${new URLSearchParams({ known })}`, MAX_RIGHTS_BYTES, remoteRightsSchema, abort),
    fetchUpstreams: video => get(`${UPSTREAMS_PATH}/${video}`, MAX_RIGHTS_BYTES, upstreamResponseSchema),
    fetchSiteInfo: abort => get('/api/site', MAX_INFO_BYTES, siteInfoSchema, abort),
    async reportWatch(watch) {
      await call(webUrl + WATCHES_PATH, {
        method: 'POST',
        body: watch,
        headers: { authorization: `Bearer ${operatorToken}` },
        timeoutMs: TIMEOUT_MS,
        maxBytes: MAX_INFO_BYTES,
        response: z.unknown(),
      });
    },
  };
}
