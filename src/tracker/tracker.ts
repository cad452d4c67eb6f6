/** A tracker, composed: the registry that the feed fills, the probes, and the answers that both make possible. */
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Gauge } from 'prom-client';
import * as z from 'zod';
import { call, formatAddress } from '../kernel/http/client.ts';
import { createFastPath } from '../kernel/http/fast-path.ts';
import { allowAnyOrigin, createHttp, type HttpServer } from '../kernel/http/server.ts';
import { centralClientOf } from '../kernel/identity/central-client.ts';
import { readOrMakeSecret } from '../kernel/identity/keys.ts';
import { readIdentity, signerOf } from '../kernel/identity/member.ts';
import { repeat } from '../kernel/lifecycle/repeat.ts';
import { createLog } from '../kernel/log.ts';
import { messageOf } from '../kernel/problem.ts';
import { followRights } from '../kernel/rights/follow-rights.ts';
import { RightsState } from '../kernel/rights/rights-state.ts';
import type { SiteId } from '../protocol/ids.ts';
import { trackerStatusSchema } from '../protocol/tracker.ts';
import { openGeo } from './client/geo.ts';
import { createSessions } from './client/sessions.ts';
import { createViewers } from './client/viewers.ts';
import { watchZoneFile } from './client/zone-file.ts';
import type { TrackerConfig } from './config.ts';
import { serveExplain } from './explain/routes.ts';
import { NetworkMemory } from './memory/network-memory.ts';
import { SiteEvidence } from './reports/site-evidence.ts';
import { createAnswers } from './play/decide.ts';
import { createHotAnswers, type HotAnswers } from './play/fast-path.ts';
import { createCounted } from './play/instrument.ts';
import { createBegin } from './play/start.ts';
import { createWorld } from './play/ranking-state.ts';
import { servePlain } from './play/redirect-and-relay.ts';
import { createPlayAnswers } from './play/render/json.ts';
import { createSteering } from './play/steer.ts';
import { createTrackerRights } from './client/private-access.ts';
import { servePlay } from './play/routes.ts';
import { createSourceTexts } from './play/render/sources.ts';
import { serveSteer } from './play/steering-routes.ts';
import { createTimelines } from './play/timelines.ts';
import { startProbes } from './probing/probes.ts';
import { Samples } from './probing/probe-files.ts';
import { createBaseUrls } from './registry/base-urls.ts';
import { Registry } from './registry/registry.ts';
import { serveObserve } from './reports/client-reports.ts';
import { createPartialHolders } from './reports/partial-holders.ts';
import { createLearning } from './reports/report-ingestion.ts';
import { serveReports } from './reports/site-reports.ts';
import { followFeed } from './sync/feed.ts';
import { startPlays } from './sync/plays.ts';
import { sessionKeyPath, startSharing } from './sync/sharing.ts';

const FORGET_EVERY_MS = 60_000;
const TELL_EVERY_MS = 10_000;
const TELL_TIMEOUT_MS = 5_000;
/** Keeps each report below central's limit for a body. */
const TELL_SITES = 500;

export interface RunningTracker {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startTracker(config: TrackerConfig): Promise<RunningTracker> {
  const log = createLog('tracker', config.logLevel);
  const registry = new Registry();
  const memory = new NetworkMemory();
  const samples = new Samples();
  const probes = startProbes(
    config.probeInterval,
    samples,
    { onUpdate: site => world.refresh(site), onTurn: () => telling.wake() },
    log,
  );
  const evidence = new SiteEvidence();
  const world = createWorld(registry, config.policy, probes.of, site =>
    evidence.failureShare(site, Date.now()),
  );
  const zoneFile = watchZoneFile(config.zonesFile, log);
  const geoFiles = await openGeo({ city: config.cityDatabase, asn: config.asnDatabase }, log);
  const viewers = createViewers(registry, zoneFile.zones, geoFiles.geo);
  const identity = await readIdentity(config.dataDirectory);
  const feed = await followFeed(
    config,
    identity,
    registry,
    () => probes.watch(registry.sites),
    samples.learn,
    log,
  );

  /** Tells central what the probes see. A central that is away changes nothing here. */
  const telling = repeat(async signal => {
    const { key, membership } = feed.identity();
    const sites = registry.sites
      .filter(site => site.active)
      .map(({ site }) => ({ site, up: probes.of(site).up }));
    for (let from = 0; membership && from < sites.length; from += TELL_SITES) {
      const report = { sites: sites.slice(from, from + TELL_SITES) };
      await call(`${config.central}/api/site-states`, {
        method: 'POST',
        body: report,
        signer: signerOf(key, membership),
        timeoutMs: TELL_TIMEOUT_MS,
        maxBytes: 2 ** 16,
        abort: signal,
        response: z.unknown(),
      }).catch(error => log.debug({ reason: messageOf(error) }, 'central was not told the states of sites'));
    }
    return TELL_EVERY_MS;
  });

  let hotAnswers: HotAnswers | undefined;
  const { app, metrics } = await createHttp({
    part: 'tracker',
    log,
    ready: feed.missing,
    before: (request, response) => hotAnswers?.answer(request, response) ?? false,
    server: { fastPath: createFastPath(socket => hotAnswers?.open(socket) ?? { handle: () => false }) },
  });
  app.addHook('onRequest', async (_request, reply) => {
    allowAnyOrigin(reply);
    reply.header('cache-control', 'no-store');
  });
  const book = RightsState.open(join(config.dataDirectory, 'rights.json'));
  const following = followRights({
    state: book,
    central: () => centralClientOf(feed.identity()),
    log,
  });
  const partialHolders = createPartialHolders();
  const answers = createAnswers({
    registry,
    world,
    memory,
    partialHolders: partialHolders.of,
    rights: createTrackerRights(book),
    onPlayed(video, holders) {
      for (const site of holders) if (samples.of(site).length === 0) samples.note(site, video);
    },
    missing: feed.missing,
  });
  const sessions = createSessions(await readOrMakeSecret(sessionKeyPath(config.dataDirectory)));
  const baseUrls = createBaseUrls(registry);
  const learning = createLearning({
    memory,
    evidence,
    isSite: site => registry.findSite(site)?.active ?? false,
    siteAt: baseUrls.siteAt,
    isUp: site => probes.of(site).up,
    onEvidence(site, failed) {
      if (failed) probes.hurry(site);
      world.refresh(site);
    },
  });
  const sharing = startSharing({ config, identity: feed.identity, memory, learning, sessions, log });
  const plays = startPlays({ central: config.central, identity: feed.identity, log });
  const timelines = createTimelines();
  const upMsOf = (site: string, nowMs: number): number => {
    const { up, since } = probes.of(site as SiteId);
    return up ? nowMs - Date.parse(since) : 0;
  };
  const means = { config, answers, viewers, sessions, learning, timelines, counted: createCounted(metrics) };
  servePlain(app, means);
  const playAnswers = createPlayAnswers({
    ...means,
    begin: createBegin(answers, sessions, memory, learning, plays),
    sourceTexts: createSourceTexts(registry, probes),
  });
  const steer = createSteering({
    ...means,
    baseUrlOf: baseUrls.of,
    upMsOf,
    activeSites: () => registry.sites.filter(({ active }) => active).map(({ site }) => site),
  });
  servePlay(app, { ...means, playAnswers, registry });
  serveSteer(app, { ...means, steer });
  hotAnswers = createHotAnswers({ ...means, playAnswers, steer });
  serveReports(app, { registry, viewers, learning, partialHolders });
  serveObserve(app, { ...means, baseUrlOf: baseUrls.of, upMsOf });
  serveExplain(app, {
    ...means,
    probes,
    planning: {
      world,
      viewers,
      memory,
      holdingOf: video => answers.explain(video, { viewer: {}, place: {} }).question,
    },
  });
  const forgetting = repeat(async () => {
    memory.sweep(Date.now());
    return FORGET_EVERY_MS;
  });
  allowPreflight(app);
  app.get(
    '/status',
    {
      schema: {
        description: 'Registered videos, sites up and down, position.',
        response: { 200: trackerStatusSchema },
      },
    },
    () => ({
      videos: registry.videoCount,
      sites: registry.sites
        .filter(site => site.active)
        .map(({ site, name, baseUrl }) => {
          const { up, since, probeMs, lastError } = probes.of(site);
          return {
            site,
            name,
            baseUrl,
            up,
            since,
            ...(probeMs ? { probeMs } : {}),
            ...(lastError ? { lastError } : {}),
          };
        }),
      position: feed.position(),
      connected: feed.connected(),
    }),
  );
  const gauges = {
    tributary_tracker_videos: ['Registered videos.', () => registry.videoCount],
    tributary_tracker_position: ['Change-feed position.', feed.position],
    tributary_tracker_networks: ['Network prefixes that are remembered.', () => memory.prefixCount],
    tributary_tracker_sites_up: [
      'Sites that answer their probes.',
      () => registry.sites.filter(({ site }) => probes.of(site).up).length,
    ],
  } as const;
  for (const [name, [help, read]] of Object.entries(gauges)) {
    new Gauge({
      name,
      help,
      registers: [metrics],
      collect() {
        this.set(read());
      },
    });
  }
  await app.listen(config.listen);
  const { port } = app.server.address() as AddressInfo;
  log.info({ listen: `${config.listen.host}:${port}`, videos: registry.videoCount }, 'tracker is up');

  return {
    url: `http://${formatAddress(config.listen.host, port)}`,
    async stop() {
      timelines.stop();
      await Promise.all([
        telling.stop(),
        plays.telling.stop(),
        sharing.stop(),
        forgetting.stop(),
        zoneFile.stop(),
        geoFiles.stop(),
        feed.stop(),
        following.stop(),
        probes.stop(),
      ]);
      await app.close();
    },
  };
}

/** A page of another origin that sends a token asks first whether it may. */
function allowPreflight(app: HttpServer): void {
  app.options('/*', { schema: { hide: true } }, (_request, reply) =>
    reply
      .headers({
        'access-control-allow-methods': 'GET, HEAD, POST',
        'access-control-allow-headers':
          'authorization, content-type, range, cmcd-object, cmcd-request, cmcd-session, cmcd-status',
        'access-control-max-age': '86400',
      })
      .code(204)
      .send(),
  );
}
