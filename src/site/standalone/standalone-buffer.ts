/**
 * The buffer in its own process, in front of the other parts of the site. It serves media and responds to probes, and
 * forwards all other requests to web. It needs neither the database nor the uploads.
 */
import { existsSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import * as z from 'zod';
import { ConfigError } from '../../kernel/config/config-error.ts';
import { lockDirectory } from '../../kernel/directory-lock.ts';
import { forward } from '../../kernel/http/forward.ts';
import { requireToken } from '../../kernel/http/operator-token.ts';
import { createHttp, type HttpServer, sendProblem } from '../../kernel/http/server.ts';
import { type Lifetime, startPart } from '../../kernel/lifecycle/lifetime.ts';
import { memberLoop } from '../../kernel/lifecycle/member-loop.ts';
import { createLog, type Log } from '../../kernel/log.ts';
import { messageOf, problem } from '../../kernel/problem.ts';
import { RightsState } from '../../kernel/rights/rights-state.ts';
import { type SiteId, videoIdSchema } from '../../protocol/base/ids.ts';
import { siteReportSchema } from '../../protocol/tracker.ts';
import { openBuffer } from '../compose/buffer.ts';
import { DROP_PATH, REPORTS_PATH } from '../compose/remote-buffer.ts';
import type { RunningSite } from '../compose/running-site.ts';
import type { SiteConfig } from '../config.ts';
import { isMediaUrl, type StreamBuffer } from '../delivery/delivery.ts';
import { serveProbe } from '../http/probe.ts';
import { openPublicAddress } from '../http/public-address.ts';
import { applyRemoteRights, knownVersion } from '../rights/remote-rights.ts';
import { createSiteRights } from '../rights/site-rights.ts';
import { createWebClient, type WebClient } from './web-client.ts';

const INFO_INTERVAL_MS = 5_000;
/** Interval while web has not joined central. */
const INFO_RETRY_MS = 1_000;
const RIGHTS_INTERVAL_MS = 1_000;
/** Differs from the name of web's file, because both processes may use one data directory. */
const OWN_RIGHTS_FILE = 'buffer-rights.json';
const OWN_PATHS = /^\/(?:probe|sample|healthz|readyz|metrics|parts\/)/;

/** @throws ConfigError if the addresses of the other parts are not set */
export async function startStandaloneBuffer(config: SiteConfig): Promise<RunningSite> {
  const { originUrl, webUrl } = config;
  if (!originUrl || !webUrl) throw new ConfigError('A standalone buffer needs originUrl and webUrl.');
  const log = createLog('buffer', config.logLevel);
  return startPart({ part: 'buffer', log }, async lifetime => {
    await lockDirectory(config.dataDirectory, 'buffer', lifetime);
    const address = await openPublicAddress(config, log);
    const web = createWebClient(webUrl, config.operatorToken);
    const remoteRights = followRemoteRights(join(config.dataDirectory, OWN_RIGHTS_FILE), web, log, lifetime);
    const info = followSiteInfo(web, log, lifetime);
    const rights = createSiteRights(remoteRights.state, log);
    rights.onWatch((video, subject) => {
      web.reportWatch({ video, subject }).catch(error => {
        log.warn({ video, reason: messageOf(error) }, 'web could not record who watches a video');
      });
    });
    const { buffer, load, admitSample } = await openBuffer(
      config,
      {
        origin: { url: originUrl },
        siteId: info.siteId,
        trackerUrl: () => info.trackerUrls()[0],
        rights: { ...rights, isPrivate: video => !remoteRights.isKnown() || rights.isPrivate(video) },
        fetchUpstreamsSigned: web.fetchUpstreams,
        log,
      },
      lifetime,
    );
    const { app } = await createHttp({
      part: 'buffer',
      log,
      ready: () => undefined,
      before: route(buffer, remoteRights.isKnown, new URL(webUrl)),
      server: address.server(buffer.fastPath),
    });
    lifetime.add('http server', () => app.close());
    serveProbe(app, info.siteId, load, admitSample);
    servePartCalls(app, buffer, config.operatorToken);
    const url = await address.listen(app, lifetime);
    log.info({ listen: url, originUrl, webUrl }, 'buffer is up');
    return { url };
  });
}

/** Media to the buffer, all other requests to web, except those that this process handles itself. */
const route =
  (buffer: StreamBuffer, isReady: () => boolean, web: URL) =>
  (request: IncomingMessage, response: ServerResponse): boolean => {
    const url = request.url ?? '';
    if (isMediaUrl(url)) {
      if (isReady()) buffer.handle(request, response);
      else sendProblem(response, problem('starting', undefined, { headers: { 'retry-after': '1' } }));
    } else if (OWN_PATHS.test(url)) return false;
    else forward(web, request, response);
    return true;
  };

/** Fetches web's rights repeatedly. Before the first time, at this or an earlier start, every video counts as private. */
function followRemoteRights(path: string, web: WebClient, log: Log, lifetime: Lifetime) {
  let isKnown = existsSync(path);
  let known = '';
  const state = RightsState.open(path);
  const loop = memberLoop(
    { name: 'reading rights from web', peer: () => web, everyMs: RIGHTS_INTERVAL_MS, log },
    async (peer, abort) => {
      const rights = await peer.fetchRights(known, abort);
      if (rights.content) {
        await applyRemoteRights(state, rights.content);
        known = knownVersion(rights);
      }
      isKnown = true;
      return undefined;
    },
  );
  lifetime.add('rights', loop.stop);
  return { state, isKnown: () => isKnown };
}

/** Reads from web the id of this site and its trackers. */
function followSiteInfo(web: WebClient, log: Log, lifetime: Lifetime) {
  let siteId: SiteId | undefined;
  let trackers: readonly string[] = [];
  const delayMs = (): number => (siteId === undefined ? INFO_RETRY_MS : INFO_INTERVAL_MS);
  const loop = memberLoop(
    { name: 'reading the state of web', peer: () => web, everyMs: INFO_INTERVAL_MS, retryMs: delayMs, log },
    async (peer, abort) => {
      const info = await peer.fetchSiteInfo(abort);
      siteId = info.id;
      trackers = info.trackers;
      return delayMs();
    },
  );
  lifetime.add('site info', loop.stop);
  return { siteId: () => siteId, trackerUrls: () => trackers };
}

/** The calls of web to this process. */
function servePartCalls(app: HttpServer, buffer: StreamBuffer, operatorToken: string): void {
  app.post(
    DROP_PATH,
    {
      schema: {
        description: 'Deletes all of a withdrawn video from the buffer (operator token).',
        body: z.strictObject({ video: videoIdSchema }),
      },
    },
    async (request, reply) => {
      requireToken(request, operatorToken);
      await buffer.drop(request.body.video);
      return reply.code(204).send();
    },
  );
  app.post(
    REPORTS_PATH,
    {
      schema: {
        description:
          'Takes the reports of viewers collected since the last call. Web signs them and sends them to the tracker (operator token).',
        body: z.strictObject({}),
        response: { 200: siteReportSchema },
      },
    },
    async request => {
      requireToken(request, operatorToken);
      const { viewers, videos } = buffer.takeReports();
      return { viewers: [...viewers], videos: [...videos] };
    },
  );
}
