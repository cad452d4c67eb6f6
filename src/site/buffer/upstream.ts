/** Where a buffer fills from: its own origin first, then the sites that the tracker names, in the tracker's order. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { LRUCache } from 'lru-cache';
import { call } from '../../kernel/client.ts';
import { Problem } from '../../kernel/problem.ts';
import type { SiteId, VideoId } from '../../protocol/ids.ts';
import { playAnswerSchema } from '../../protocol/tracker.ts';
import { etagOf, type MediaFile } from './media-file.ts';

/** Names the filling site; who receives it answers from what it has and asks no third site, so there are no loops. */
export const FILL_HEADER = 'tributary-fill';

const SOCKETS_A_HOST = 32;
const FIRST_BYTE_MS = 10_000;
const TRACKER_TIMEOUT_MS = 2_000;
const REMEMBER_SOURCES_MS = 10_000;
const MAX_PROBLEM_BYTES = 4_096;

export interface Upstreams {
  /** Base URLs in the order in which they are to be tried; the own origin is first. */
  list(file: MediaFile, mayAskOthers: boolean): AsyncGenerator<string>;
  get(baseUrl: string, file: MediaFile, offset: number, signal: AbortSignal): Promise<IncomingMessage>;
  stop(): void;
}

export interface UpstreamOptions {
  readonly siteId: () => string | undefined;
  readonly originUrl: string;
  readonly trackerUrl: () => string | undefined;
}

export function createUpstreams(options: UpstreamOptions): Upstreams {
  const agents = {
    'http:': new HttpAgent({ keepAlive: true, maxSockets: SOCKETS_A_HOST }),
    'https:': new HttpsAgent({ keepAlive: true, maxSockets: SOCKETS_A_HOST }),
  };
  const remembered = new LRUCache<VideoId, { readonly urls: readonly string[]; readonly atMs: number }>({
    max: 10_000,
  });

  async function findSites(video: VideoId): Promise<readonly string[]> {
    const known = remembered.get(video);
    if (known && Date.now() - known.atMs < REMEMBER_SOURCES_MS) return known.urls;
    const tracker = options.trackerUrl();
    const self = options.siteId();
    if (!tracker || !self) return known?.urls ?? [];
    try {
      const { sources } = await call(`${tracker}/play/${video}?fill=${self}`, {
        timeoutMs: TRACKER_TIMEOUT_MS,
        maxBytes: 2 ** 20,
        answer: playAnswerSchema,
      });
      const urls = sources
        .filter(source => source.site !== (self as SiteId))
        .map(source => new URL(source.baseUrl).origin);
      remembered.set(video, { urls, atMs: Date.now() });
      return urls;
    } catch (error) {
      if (error instanceof Problem && (error.status === 404 || error.status === 410)) throw error;
      // The tracker is away: what it said last is better than nothing.
      return known?.urls ?? [];
    }
  }

  return {
    async *list(file, mayAskOthers) {
      yield options.originUrl;
      if (mayAskOthers) yield* await findSites(file.video);
    },
    get: (baseUrl, file, offset, signal) =>
      new Promise((resolve, reject) => {
        const url = new URL(file.key, baseUrl);
        const isHttps = url.protocol === 'https:';
        const request = (isHttps ? httpsRequest : httpRequest)(url, {
          agent: isHttps ? agents['https:'] : agents['http:'],
          signal,
          headers: {
            [FILL_HEADER]: options.siteId() ?? 'unjoined',
            ...(offset > 0 ? { range: `bytes=${offset}-`, 'if-range': etagOf(file) } : {}),
          },
        });
        const timer = setTimeout(() => request.destroy(new Error('no answer in time')), FIRST_BYTE_MS);
        request.once('response', response => {
          clearTimeout(timer);
          resolve(response);
        });
        request.once('error', error => {
          clearTimeout(timer);
          reject(error);
        });
        request.end();
      }),
    stop() {
      agents['http:'].destroy();
      agents['https:'].destroy();
    },
  };
}

/** The stable code of a problem that an upstream answered with. */
export async function readProblemCode(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk;
    if (text.length > MAX_PROBLEM_BYTES) {
      response.destroy();
      break;
    }
  }
  try {
    const { code } = JSON.parse(text) as { code?: unknown };
    return typeof code === 'string' ? code : '';
  } catch {
    return '';
  }
}
