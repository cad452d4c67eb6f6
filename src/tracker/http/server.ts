/** The tracker's HTTP server: every response can be read by pages of other origins and is never cached. */

import type { ConnectionLimit } from '../../kernel/http/connections/connection-limit.ts';
import { allowAnyOrigin, servePreflight } from '../../kernel/http/cross-origin.ts';
import { createFastPath } from '../../kernel/http/fast-path.ts';
import { createHttp, type Http, type HttpServer } from '../../kernel/http/server.ts';
import type { Lifetime } from '../../kernel/lifecycle/lifetime.ts';
import type { Log } from '../../kernel/log.ts';
import type { PlayFastPath } from '../play/fast-path.ts';

export interface TrackerHttpDeps {
  readonly fastPath: Pick<PlayFastPath, 'handle' | 'open'>;
  /** A sentence while the tracker is not ready. */
  readonly notReadyReason: () => string | undefined;
  readonly connections?: ConnectionLimit;
  readonly log: Log;
}

/** The server does not listen yet. It is closed when the lifetime ends. */
export async function createTrackerHttp(
  { fastPath, notReadyReason, connections, log }: TrackerHttpDeps,
  lifetime: Lifetime,
): Promise<Http> {
  const http = await createHttp({
    part: 'tracker',
    log,
    ready: notReadyReason,
    before: fastPath.handle,
    server: { fastPath: createFastPath(fastPath.open), connections },
  });
  lifetime.add('HTTP server', () => http.app.close());
  serveCrossOrigin(http.app);
  return http;
}

function serveCrossOrigin(app: HttpServer): void {
  app.addHook('onRequest', async (_request, reply) => {
    allowAnyOrigin(reply);
    reply.header('cache-control', 'no-store');
  });
  // A page of another origin sends a preflight request before a request with a token or with CMCD headers.
  servePreflight(app, '/*', 'GET, HEAD, POST, OPTIONS');
}
