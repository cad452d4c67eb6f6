/**
 * The buffer (CP) as a process of its own, in front of the others (mission, requirement 5): it serves media and answers
 * probes, and passes everything else on to web. It needs neither the database nor the uploads.
 */
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import * as z from 'zod';
import { ConfigError } from '../../kernel/config/config-error.ts';
import { call } from '../../kernel/http/client.ts';
import { forward } from '../../kernel/http/forward.ts';
import { createHttp, requireToken, sendProblem } from '../../kernel/http/server.ts';
import { repeat } from '../../kernel/lifecycle/repeat.ts';
import { createLog } from '../../kernel/log.ts';
import { messageOf, problem } from '../../kernel/problem.ts';
import { RightsState } from '../../kernel/rights/rights-state.ts';
import { videoIdSchema } from '../../protocol/ids.ts';
import { siteInfoSchema } from '../../protocol/site.ts';
import { siteReportSchema } from '../../protocol/tracker.ts';
import { openBuffer } from '../compose/open-buffer.ts';
import type { RunningSite } from '../compose/running-site.ts';
import type { SiteConfig } from '../config.ts';
import { holderResponseSchema } from '../delivery/fill/holders.ts';
import { isMediaUrl } from '../delivery/http/media-file.ts';
import { serveProbe } from '../http/probe.ts';
import { openTls } from '../http/tls.ts';
import { HOLDERS_PATH, RIGHTS_PATH, remoteRightsSchema } from '../rights/remote.ts';
import { createSiteRights } from '../rights/site-rights.ts';
import { DROP_PATH, REPORTS_PATH } from './remote-buffer.ts';

const LOOK_MS = 5_000;
const TIMEOUT_MS = 5_000;
const MAX_ANSWER_BYTES = 64 * 1024;
/** How often web is asked what is private and what was revoked. */
const HEAR_MS = 1_000;
/** Half a million private videos. */
const MAX_RIGHTS_BYTES = 2 ** 25;
/** Apart from web's, which may lie in the same directory. */
const OWN_RIGHTS_FILE = 'buffer-rights.json';
const OWN_PATHS = /^\/(?:probe|sample|healthz|readyz|metrics|parts\/)/;

/** @throws ConfigError where it is not said where the other parts are */
export async function startStandaloneBuffer(config: SiteConfig): Promise<RunningSite> {
  const { originUrl, webUrl } = config;
  if (!originUrl || !webUrl) throw new ConfigError('A buffer that runs apart needs originUrl and webUrl.');
  const log = createLog('buffer', config.logLevel);
  const tls = await openTls(config, log);
  let siteId: string | undefined;
  let trackers: readonly string[] = [];
  const book = RightsState.open(join(config.dataDirectory, OWN_RIGHTS_FILE));
  /** What web says of rights was heard once, now or before: until then it is not known what is private. */
  let hasHeard = existsSync(join(config.dataDirectory, OWN_RIGHTS_FILE));
  const rights = createSiteRights(book, log);
  const askWeb = <T>(path: string, answer: z.ZodType<T>, signal?: AbortSignal): Promise<T> =>
    call(webUrl + path, {
      headers: { authorization: `Bearer ${config.operatorToken}` },
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_RIGHTS_BYTES,
      abort: signal,
      response: answer,
    });
  const { buffer, load } = await openBuffer(
    config,
    {
      originUrl,
      siteId: () => siteId,
      trackerUrl: () => trackers[0],
      rights: { ...rights, isPrivate: video => !hasHeard || rights.isPrivate(video) },
      // Web has the key that this site signs with.
      fetchHoldersSigned: video => askWeb(`${HOLDERS_PATH}/${video}`, holderResponseSchema),
    },
    log,
  );
  let known = '';
  const hearing = repeat(async signal => {
    try {
      const query = new URLSearchParams({ known });
      const heard = await askWeb(`${RIGHTS_PATH}?${query}`, remoteRightsSchema, signal);
      if (heard.book) {
        // What a tracker said to this buffer holds until the centre says otherwise: web does not know of it.
        const { tracker, centre } = book.content();
        const said = new Set([...centre, ...heard.book.centre]);
        const isOlder = heard.book.position < book.position;
        book.restore({
          ...heard.book,
          centre: isOlder ? [...new Set([...heard.book.centre, ...centre])] : heard.book.centre,
          tracker: [...new Set([...heard.book.tracker, ...tracker.filter(video => !said.has(video))])],
        });
        await book.save();
        known = `${heard.start} ${heard.version}`;
      }
      hasHeard = true;
      return HEAR_MS;
    } catch (error) {
      if (!signal.aborted) log.warn({ reason: messageOf(error) }, 'web does not say what is private');
      return HEAR_MS;
    }
  });
  const web = new URL(webUrl);
  const { app } = await createHttp({
    part: 'buffer',
    log,
    ready: () => undefined,
    before(request, response) {
      const url = request.url ?? '';
      if (isMediaUrl(url)) {
        if (hasHeard) buffer.handle(request, response);
        else
          sendProblem(
            response,
            problem('starting', 'This site is starting.', { headers: { 'retry-after': '1' } }),
          );
      } else if (OWN_PATHS.test(url)) return false;
      else forward(web, request, response);
      return true;
    },
    server: tls.server(buffer.fastPath),
  });
  serveProbe(app, () => siteId, load);
  app.post(
    DROP_PATH,
    {
      schema: {
        description: 'Web tells that a video was withdrawn: all of it goes (operator token).',
        body: z.strictObject({ video: videoIdSchema }),
      },
    },
    async (request, reply) => {
      requireToken(request, config.operatorToken);
      await buffer.drop(request.body.video);
      return reply.code(204).send();
    },
  );
  app.post(
    REPORTS_PATH,
    {
      schema: {
        description:
          'What viewers told the buffer since this was last asked: web, which has the key of the site, tells the tracker (operator token).',
        body: z.strictObject({}),
        response: { 200: siteReportSchema },
      },
    },
    async request => {
      requireToken(request, config.operatorToken);
      const { viewers, videos } = buffer.takeReports();
      return { viewers: [...viewers], videos: [...videos] };
    },
  );
  // Who this site is, and whom to ask for the videos of others: web has joined, and knows.
  const looking = repeat(async signal => {
    try {
      const info = await call(`${webUrl}/api/site`, {
        timeoutMs: TIMEOUT_MS,
        maxBytes: MAX_ANSWER_BYTES,
        abort: signal,
        response: siteInfoSchema,
      });
      siteId = info.id;
      ({ trackers } = info);
    } catch (error) {
      if (!signal.aborted) log.warn({ reason: messageOf(error) }, 'web does not answer');
    }
    return siteId === undefined ? LOOK_MS / 5 : LOOK_MS;
  });
  await app.listen(config.listen);
  const renewal = tls.watch(app.server);
  const { port } = app.server.address() as AddressInfo;
  log.info({ listen: `${config.listen.host}:${port}`, originUrl, webUrl }, 'buffer is up');
  return {
    url: `${tls.scheme}://${config.listen.host}:${port}`,
    async stop() {
      await Promise.all([looking.stop(), hearing.stop(), renewal?.stop()]);
      await app.close();
      await buffer.stop();
    },
  };
}
