/** A tracker, composed of its parts: registry and feed, probes and reports, memory and choice, and the calls of players. */
import type { AddressInfo } from 'node:net';
import { createAccessGuard, enforceAccess } from '../kernel/access/access.ts';
import { vouchingCentralOf } from '../kernel/access/vouching-central.ts';
import { lockDirectory } from '../kernel/directory-lock.ts';
import { formatAddress } from '../kernel/http/client.ts';
import { connectionLimitOf } from '../kernel/http/connections/connection-limit.ts';
import { authorityOf, ownAuthorities } from '../kernel/http/own-names.ts';
import type { Http } from '../kernel/http/server.ts';
import type { Recipient } from '../kernel/http/signed-requests.ts';
import { openNonces } from '../kernel/identity/nonce-files.ts';
import { type Lifetime, startPart } from '../kernel/lifecycle/lifetime.ts';
import { createLog, type Log } from '../kernel/log.ts';
import { readIdentity } from '../kernel/membership/member.ts';
import { openTrackerAudit, type TrackerAudit } from './audit/audit.ts';
import { openViewers } from './client/open-viewers.ts';
import type { TrackerConfig } from './config.ts';
import { serveExplain } from './explain/routes.ts';
import { TRACKER_ACCESS } from './http/access-table.ts';
import { createAuthenticate } from './http/authenticate.ts';
import { createTrackerHttp } from './http/server.ts';
import { serveStatus } from './http/status.ts';
import { NetworkMemory } from './memory/network-memory.ts';
import { createPlayFastPath } from './play/fast-path.ts';
import { createRankingState } from './play/ranking-state.ts';
import { servePlayerCalls } from './play/serve-player-calls.ts';
import { ProbeFiles } from './probing/probe-files.ts';
import { startProbes } from './probing/probes.ts';
import { createBaseUrls } from './registry/base-urls.ts';
import { Registry } from './registry/registry.ts';
import { serveClientReports } from './reports/client-reports.ts';
import { createPartialHolders } from './reports/partial-holders.ts';
import { createReportIngestion } from './reports/report-ingestion.ts';
import { SiteEvidence } from './reports/site-evidence.ts';
import { serveSiteReports } from './reports/site-reports.ts';
import { startSweeping } from './reports/sweeping.ts';
import { followFeed } from './sync/feed.ts';
import { createTrackerPeople, type TrackerPeople } from './sync/people.ts';
import { startSync } from './sync/sync.ts';

export interface RunningTracker {
  readonly url: string;
  stop(): Promise<void>;
}

/** If the start fails, everything that was opened is released before the error is thrown. */
export function startTracker(config: TrackerConfig): Promise<RunningTracker> {
  const log = createLog('tracker', config.logLevel);
  return startPart({ part: 'tracker', log }, lifetime => composeTracker(config, log, lifetime));
}

async function composeTracker(config: TrackerConfig, log: Log, lifetime: Lifetime) {
  const { dataDirectory } = config;
  const registry = new Registry();
  const baseUrls = createBaseUrls(registry);
  const memory = new NetworkMemory();
  lifetime.add('memory', startSweeping(memory).stop);
  const evidence = new SiteEvidence();
  const probeFiles = new ProbeFiles();
  const probes = startProbes(config.probeInterval, probeFiles, log);
  lifetime.add('probes', probes.stop);
  const rankingState = createRankingState({
    registry,
    policy: config.policy,
    healthOf: probes.of,
    failureShareOf(site) {
      const { up, degraded } = probes.of(site);
      return evidence.failureShare(site, !up || degraded, Date.now());
    },
  });
  probes.subscribe({ onUpdate: rankingState.refresh });
  const viewers = await openViewers(config, registry, log, lifetime);

  await lockDirectory(dataDirectory, 'tracker', lifetime);
  const identity = await readIdentity(dataDirectory);
  const onSites = (): void => probes.watch(registry.sites);
  const onPage = probeFiles.addChanges;
  const feed = await followFeed({ config, identity, registry, onSites, onPage, log }, lifetime);
  const ingestion = createReportIngestion({
    memory,
    evidence,
    isSite: site => registry.findSite(site)?.active ?? false,
    siteAt: baseUrls.siteAt,
    isUp: site => probes.of(site).up,
    onEvidence(site, failed) {
      if (failed) probes.probeNow(site);
      rankingState.refresh(site);
    },
  });
  const { central, notReadyReason, houseNetworks } = feed;
  const base = {
    config,
    log,
    registry,
    baseUrls,
    viewers,
    houseNetworks,
    memory,
    probes,
    rankingState,
    ingestion,
  };
  const people = createTrackerPeople(
    () => vouchingCentralOf(central()?.client, feed.membership()?.centralPublicKey),
    log,
  );
  const sync = await startSync({ ...base, central, people, dataDirectory }, lifetime);
  const audit = openTrackerAudit({ config, central: () => central()?.client, log }, lifetime);
  const recipient: Recipient = {
    nonces: openNonces(dataDirectory, log, lifetime),
    // Sites call this tracker at the address in central's list.
    authorities() {
      const membership = feed.membership();
      return [...ownAuthorities(config), ...(membership ? [authorityOf(membership.baseUrl)] : [])];
    },
  };

  const fastPath = createPlayFastPath();
  const http = await createTrackerHttp(
    { fastPath, notReadyReason, connections: connectionLimitOf(config), log },
    lifetime,
  );
  const { app, metrics } = http;
  checkCallers(app, config, people, audit);
  const partialHolders = createPartialHolders();
  const play = { probeFiles, partialHolders: partialHolders.of, fastPath, notReadyReason };
  const decider = servePlayerCalls(http, { ...base, ...sync, ...play, audit, recipient }, lifetime);
  serveSiteReports(app, { ...base, partialHolders, recipient });
  serveClientReports(app, { ...base, ...sync, rank: decider.steer, baseUrlOf: baseUrls.of });
  serveExplain(app, {
    ...base,
    decider,
    recipient,
    centralPublicKey: () => feed.membership()?.centralPublicKey,
  });
  serveStatus(app, metrics, { ...base, feed });
  await app.listen(config.listen);

  const { port } = app.server.address() as AddressInfo;
  const address = formatAddress(config.listen.host, port);
  log.info({ listen: address, videos: registry.videoCount }, 'tracker is up');
  return { url: `http://${address}` };
}

/** Applies the access rules of this tracker to the routes that are added from now on. */
function checkCallers(
  app: Http['app'],
  { breakGlass, operatorToken }: TrackerConfig,
  people: TrackerPeople,
  audit: TrackerAudit,
): void {
  const credentials = { operatorToken: breakGlass ? operatorToken : undefined, cookie: undefined };
  const authenticate = createAuthenticate({ credentials, people: people.checker });
  enforceAccess(app, TRACKER_ACCESS, createAccessGuard({ authenticate, ...audit }));
}
