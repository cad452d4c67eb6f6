/**
 * The site's end of the link: fetches central's requests, passes each to the gateway of this site as if it had arrived over
 * HTTP (the gateway verifies central's signature as always), and sends back the response.
 */
import type { HttpServer } from '../../kernel/http/server.ts';
import { memberLoop } from '../../kernel/lifecycle/member-loop.ts';
import type { Repeating } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import { type LinkRequest, linkAuthority } from '../../protocol/link.ts';
import type { LinkedCentral } from './central-client.ts';

const CLOSED_MS = 60_000;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 30_000;

export interface LinkDeps {
  readonly app: HttpServer;
  readonly central: () => LinkedCentral | undefined;
  /** Undefined while no link is wanted. Call `wake` when that changes. */
  readonly wanted: () => { readonly preferred: boolean } | undefined;
  readonly log: Log;
}

export function startLink({ app, central, wanted, log }: LinkDeps): Repeating {
  let isOpen = false;
  const responding = new Set<Promise<void>>();

  const respond = async (peer: LinkedCentral, request: LinkRequest, abort: AbortSignal): Promise<void> => {
    try {
      const { status, text } = await askGateway(app, peer.site, request);
      await peer.sendLinkResponse(request.id, status, text, abort);
    } catch (error) {
      if (!abort.aborted)
        log.warn({ reason: messageOf(error) }, 'central did not accept a response over the link');
    }
  };

  const loop = memberLoop(
    {
      name: 'keeping a link to central open',
      peer() {
        const options = wanted();
        const peer = central();
        return options && peer && { peer, ...options };
      },
      everyMs: 0,
      whenNotJoinedMs: CLOSED_MS,
      retryMs: failures =>
        Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1)) * (0.5 + Math.random() / 2),
      log,
    },
    async ({ peer, preferred }, abort) => {
      const wait = isOpen;
      isOpen = false;
      // Central responds at once to the first request, which shows that the link works.
      const requests = await peer.awaitLinkRequests({ preferred, wait }, abort);
      isOpen = true;
      if (!wait) log.info({ central: peer.url }, 'a link to central is open');
      for (const request of requests) {
        const response = respond(peer, request, abort).finally(() => responding.delete(response));
        responding.add(response);
      }
      return 0;
    },
  );
  return {
    wake: loop.wake,
    async stop() {
      await loop.stop();
      await Promise.all(responding);
    },
  };
}

async function askGateway(
  app: HttpServer,
  site: string,
  { method, path, headers, body }: LinkRequest,
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await app.inject({
    method,
    url: path,
    headers: { ...headers, host: linkAuthority(site) },
    ...(method === 'POST' ? { payload: body } : {}),
  });
  return { status: response.statusCode, text: response.body };
}
