/** The HTTP part: uploads, the studio, the gateway for central, the library, and media if the buffer runs in this process. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { enforceAccess } from '../../kernel/access/access.ts';
import { servePages } from '../../kernel/http/pages.ts';
import { createHttp, type Http, type HttpServer } from '../../kernel/http/server.ts';
import { newNonce } from '../../kernel/identity/keys.ts';
import { openNonces } from '../../kernel/identity/nonce-files.ts';
import type { NonceMemory } from '../../kernel/identity/signatures.ts';
import type { Lifetime } from '../../kernel/lifecycle/lifetime.ts';
import { centralClientOf } from '../../kernel/membership/central-client.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import { countChecks } from '../database/file-checks.ts';
import { countUnpublished } from '../database/publication/records.ts';
import { isMediaUrl } from '../delivery/delivery.ts';
import { SITE_ACCESS } from '../http/access-table.ts';
import { serveCentralLists } from '../http/central-lists.ts';
import { findPerson } from '../http/find-person.ts';
import { createGateway, serveGateway } from '../http/gateway.ts';
import { serveGatewayCaptions } from '../http/gateway-captions.ts';
import { serveLibrary } from '../http/library.ts';
import { serveProbe } from '../http/probe.ts';
import { serveSiteInfo } from '../http/site-info.ts';
import { serveCaptions } from '../http/studio/captions/captions.ts';
import { serveJobs } from '../http/studio/jobs.ts';
import { type StudioWatch, watchStudio } from '../http/studio/lists/watch-changes.ts';
import { servePeople } from '../http/studio/people.ts';
import { serveStudio } from '../http/studio/studio.ts';
import { createUploads, type Uploads } from '../http/uploads/uploads.ts';
import { createDiskReserve, type DiskReserve } from '../maintenance/disk-reserve.ts';
import {
  registerBufferMetrics,
  registerFileCheckMetrics,
  registerRecordMetrics,
} from '../maintenance/metrics.ts';
import { describeConfinement } from '../media/ffmpeg/ffmpeg.ts';
import { serveSignIn } from '../people/sign-in.ts';
import { startLink } from '../publication/link.ts';
import { createRefusalReporter } from '../publication/refusals.ts';
import { serveRemoteRights } from '../rights/remote-rights.ts';
import type { CopiesPart } from './copies.ts';
import type { SiteCore } from './core.ts';
import type { DeliveryPart } from './delivery.ts';
import type { MediaPart } from './media.ts';
import type { SiteFiles } from './running-site.ts';

export interface HttpDeps {
  readonly media: MediaPart;
  readonly delivery: DeliveryPart;
  readonly copies: CopiesPart;
  /** Closes the files of a withdrawn video and deletes it from the buffer. */
  readonly onWithdrawn: (video: VideoId) => Promise<void>;
  readonly files: SiteFiles;
}

export interface HttpPart {
  readonly uploads: Uploads;
  readonly reserve: DiskReserve;
  /** Accepts connections from now on. @returns the URL. @throws if the address cannot be used */
  listen(): Promise<string>;
}

export async function openHttp(core: SiteCore, parts: HttpDeps, lifetime: Lifetime): Promise<HttpPart> {
  const { address, config, db, storage, rights, newVideoId, log } = core;
  const { buffer } = parts.delivery;
  const uploads = createUploads({
    db,
    storage,
    intake: parts.media.intake,
    guard: core.guard,
    siteId: core.membership.siteId,
    findPerson: findPersonOf(core),
    note: core.audit.note,
    rights: rights.rights,
    fields: fieldsOf(core),
    newVideoId,
    maxUploadBytes: config.maxUpload,
    keepFreeBytes: config.keepFree,
    uploadOrigins: config.uploadOrigins,
    log,
  });
  const reserve = createDiskReserve(join(config.dataDirectory, 'disk-reserve'));
  let isReady = false;
  const http = await createHttp({
    part: 'site',
    log,
    ready: () => (isReady ? undefined : 'The site is starting.'),
    before(request, response) {
      if (!isMediaUrl(request.url)) return uploads.handle(request, response);
      if (buffer) buffer.handle(request, response);
      else response.writeHead(307, { location: config.baseUrl + request.url }).end();
      return true;
    },
    server: address.server(buffer?.fastPath),
  });
  const { app } = http;
  lifetime.add('http server', () => app.close());
  enforceAccess(app, SITE_ACCESS, core.guard, core.membership.siteId);
  const watch = watchStudio(db, log);
  lifetime.add('studio list', watch.stop);
  addStudioCalls(app, core, { ...parts, uploads, reserve, watch });
  addCalls(http, core, { ...parts, nonces: openNonces(config.dataDirectory, log, lifetime) });
  serveSignIn(app, { ...core, identity: core.membership.identity });
  startLinkOf(app, core, lifetime);
  return {
    uploads,
    reserve,
    async listen() {
      const url = await address.listen(app, lifetime);
      isReady = true;
      lifetime.add('readiness', () => {
        isReady = false;
      });
      log.info({ listen: url, parts: config.parts }, 'site is up');
      return url;
    },
  };
}

const fieldsOf =
  ({ lists }: SiteCore) =>
  () =>
    lists.current()?.fields;

const findPersonOf =
  ({ membership }: SiteCore) =>
  (id: string) =>
    findPerson(centralClientOf(membership.identity()), { person: id });

function addStudioCalls(
  app: HttpServer,
  core: SiteCore,
  {
    uploads,
    reserve,
    onWithdrawn,
    watch,
  }: HttpDeps & { readonly uploads: Uploads; readonly reserve: DiskReserve; readonly watch: StudioWatch },
): void {
  const { config, storage, rights, events } = core;
  const shared = {
    db: core.db,
    guard: core.guard,
    siteId: core.membership.siteId,
    storage,
    sourceAddress: config.sourceAddress,
    note: core.audit.note,
    watch,
    onRecord: events.recordWritten.emit,
  };
  serveStudio(app, {
    ...shared,
    findPerson: findPersonOf(core),
    fields: fieldsOf(core),
    rights: rights.rights,
    tokens: core.tokens,
    uploads,
    reserve,
    onWithdrawn,
  });
  servePeople(app, {
    guard: core.guard,
    siteId: core.membership.siteId,
    central: () => centralClientOf(core.membership.identity()),
  });
  serveCaptions(app, {
    ...shared,
    hasProgram: config.captionCommand !== undefined,
    onJob: events.jobAdded.emit,
  });
  serveJobs(app, { ...shared, onJob: events.jobAdded.emit });
}

function addCalls(
  { app, metrics }: Http,
  {
    config,
    db,
    storage,
    tools,
    membership,
    rights,
    tokens,
    guard,
    events,
    lists,
    reads,
    fetchUpstreamsSigned,
  }: SiteCore,
  { delivery, copies, files, nonces }: HttpDeps & { readonly nonces: NonceMemory },
): void {
  const fromCentral = {
    identity: membership.identity,
    names: config,
    nonces,
    onRefused: createRefusalReporter(membership.central),
  };
  serveGateway(app, { ...fromCentral, gateway: createGateway(db, events.recordsPublished.emit) });
  serveGatewayCaptions(app, { ...fromCentral, db, storage });
  serveRemoteRights(app, {
    state: rights.state,
    start: newNonce(),
    operatorToken: config.operatorToken,
    fetchUpstreamsSigned,
    noteWatch: tokens.noteWatch,
  });
  serveSiteInfo(app, {
    db,
    config,
    guard,
    siteId: membership.siteId,
    siteName: membership.siteName,
    joinProblem: membership.joinProblem,
    conversion: tools && describeConfinement(tools.confinement),
    freeBytes: storage.disks.freeBytes,
    trackerUrls: membership.trackerUrls,
    stoppedBecause: membership.stoppedBecause,
    connection: () => ({ isConnected: copies.isConnected(), respondedAtMs: copies.respondedAtMs() }),
  });
  serveCentralLists(app, { lists: lists.current, centralUrl: () => config.central });
  serveProbe(app, membership.siteId, delivery.load, delivery.admitSample);
  serveLibrary(app, {
    reads,
    name: membership.siteName,
    access: config,
    serveViewers: config.serveViewers,
    buffered: delivery.buffered,
    rights: rights.rights,
    tokenFor: tokens.forLibrary,
    guard,
    siteId: membership.siteId,
    isConnected: copies.isConnected,
  });
  if (existsSync(files.uiDirectory)) {
    servePages(app, {
      directory: files.uiDirectory,
      pages: {
        '/': 'studio.html',
        '/library': 'library.html',
        '/library/search': 'library.html',
        '/library/series/:id': 'library.html',
        '/library/person': 'library.html',
        '/library/watch/:video': 'library.html',
        '/sign-in/failed': 'sign-in-failed.html',
      },
      unlisted: ['/', '/sign-in/failed'],
      connectTo: () => (config.central ? [config.central] : []),
    });
  }
  if (delivery.buffer) registerBufferMetrics(metrics, delivery.buffer.stats);
  registerRecordMetrics(metrics, () => countUnpublished(db));
  registerFileCheckMetrics(metrics, () => countChecks(db));
}

function startLinkOf(
  app: HttpServer,
  { config, membership, events, log }: SiteCore,
  lifetime: Lifetime,
): void {
  const link = startLink({
    app,
    central: membership.central,
    wanted: () =>
      config.link === 'always' || (config.link === 'auto' && membership.isUnreachable())
        ? { preferred: config.link === 'always' }
        : undefined,
    log,
  });
  lifetime.add('link', link.stop);
  events.joined.subscribe(link.wake);
  events.unreachable.subscribe(link.wake);
}
