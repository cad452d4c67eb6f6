/** A site: origin, buffer, database and web, composed. */
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { servePages } from '../../kernel/http/pages.ts';
import { createHttp } from '../../kernel/http/server.ts';
import { centralClientOf } from '../../kernel/identity/central-client.ts';
import { newNonce } from '../../kernel/identity/keys.ts';
import { readIdentity, signerOf } from '../../kernel/identity/member.ts';
import type { Repeating } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf, problem } from '../../kernel/problem.ts';
import { followRights } from '../../kernel/rights/follow-rights.ts';
import { openDatabase } from '../../kernel/sql/sql.ts';
import type { VideoId } from '../../protocol/ids.ts';
import type { SiteConfig, SitePart } from '../config.ts';
import { startAssignments } from '../copies/assignments.ts';
import { startCopyReconciler } from '../copies/reconcile-copies.ts';
import { countUnpublished } from '../database/records.ts';
import { deleteRevisions } from '../database/revisions.ts';
import { type SiteSchema, siteMigrations } from '../database/schema.ts';
import { beginStart } from '../database/signal.ts';
import { listVideosInState } from '../database/videos.ts';
import { isWithin } from '../delivery/egress/day-windows.ts';
import { fetchHolders, type HolderResponse } from '../delivery/fill/holders.ts';
import { createVerifiedFetcher } from '../delivery/fill/verified-fetcher.ts';
import { isMediaUrl } from '../delivery/http/media-file.ts';
import { createGateway, serveGateway } from '../http/gateway.ts';
import { serveLibrary } from '../http/library.ts';
import type { SiteLoad } from '../http/probe.ts';
import { serveSiteInfo } from '../http/site-info.ts';
import { serveCaptions } from '../http/studio/captions.ts';
import { serveJobs } from '../http/studio/jobs.ts';
import { serveStudio } from '../http/studio/studio.ts';
import { openTls } from '../http/tls.ts';
import { hashFile } from '../http/uploads/upload-store.ts';
import { createUploads } from '../http/uploads/uploads.ts';
import { createDiskReserve } from '../maintenance/disk-reserve.ts';
import { startMaintenance } from '../maintenance/maintenance.ts';
import { registerBufferMetrics, registerRecordMetrics } from '../maintenance/metrics.ts';
import { removeOrphans } from '../maintenance/orphans.ts';
import { SITE_STEP_KINDS } from '../media/conversion/conversion.ts';
import { CopyStore } from '../media/copy-store/copy-store.ts';
import { MAX_EXTRAS_ATTEMPTS, startExtras } from '../media/extras/extras.ts';
import { findMediaTools } from '../media/ffmpeg/ffmpeg.ts';
import { prepareInWorker } from '../media/index/source-index.ts';
import { createIntake, recoverSource } from '../media/intake/intake.ts';
import { makeRecord } from '../media/record/record.ts';
import { openStorage, startOffload } from '../media/storage/storage.ts';
import { startCatalogueSync } from '../publication/catalogue-sync.ts';
import { startLink } from '../publication/link.ts';
import { createMembership } from '../publication/membership.ts';
import { startPublisher } from '../publication/publisher.ts';
import { createRefusalReporter } from '../publication/refusals.ts';
import { startRegistrationWatch } from '../publication/registrations.ts';
import { startViewerReports } from '../publication/viewer-reports.ts';
import { startWithdrawals } from '../publication/withdrawals.ts';
import { openRights } from '../rights/open.ts';
import { serveRemoteRights } from '../rights/remote.ts';
import { RIGHTS_FILE } from '../rights/site-rights.ts';
import { createRemoteBuffer } from '../standalone/remote-buffer.ts';
import { openConversion, type Prepare } from './conversion.ts';
import { openBuffer } from './open-buffer.ts';
import { openOrigin } from './open-origin.ts';
import type { RunningSite } from './running-site.ts';

export interface SiteFiles {
  /** The built pages. */
  readonly uiDirectory: string;
  /** The bundled worker that checks sources. */
  readonly prepareWorker: URL;
}

/** The buffer that runs apart answers the probes. */
const IDLE = (): SiteLoad => ({
  activeResponses: 0,
  egressBytes: 0,
  egressLimitBps: undefined,
  servesViewers: true,
});

/** Web, and what of origin and buffer `parts` names beside it. @throws DamagedDatabase */
export async function startWithWeb(config: SiteConfig, files: SiteFiles, log: Log): Promise<RunningSite> {
  const has = (part: SitePart): boolean => config.parts.includes(part);
  const storage = await openStorage(config);
  const tools = await findMediaTools();
  const tls = await openTls(config, log);
  const identity = await readIdentity(config.dataDirectory);
  const db = await openDatabase<SiteSchema>(
    config.database ?? join(config.dataDirectory, 'site.sqlite'),
    siteMigrations,
  );
  // R7: before anything else, so that no version is numbered until this start has greeted central.
  await beginStart(db, newNonce());

  const membership = createMembership(config, config.dataDirectory, identity, log);
  const {
    book,
    rights,
    markStored: markHeld,
  } = await openRights(join(config.dataDirectory, RIGHTS_FILE), db, log);
  const fetchHoldersSigned = async (video: VideoId): Promise<HolderResponse> => {
    const { key, membership: joined } = membership.identity();
    const [trackerUrl] = membership.trackerUrls();
    if (!joined || trackerUrl === undefined)
      throw problem('not-joined', 'This site does not know a tracker yet.');
    return fetchHolders(trackerUrl, joined.id, video, signerOf(key, joined));
  };
  // SP: cuts streams out of what was uploaded; this site's buffer alone talks to it.
  const origin = has('origin')
    ? await openOrigin(config, { db, storage, key: () => membership.identity().key, rights })
    : undefined;
  // CP: the only thing that viewers talk to.
  const local = has('buffer')
    ? await openBuffer(
        config,
        {
          originUrl: origin?.url ?? config.originUrl ?? '',
          siteId: () => membership.identity().membership?.id,
          trackerUrl: () => membership.trackerUrls()[0],
          rights,
          fetchHoldersSigned,
        },
        log,
      )
    : undefined;
  const remote = local ? undefined : createRemoteBuffer(config.bufferUrl ?? '', config.operatorToken, log);
  const viewerReports = startViewerReports({
    take(signal) {
      if (remote) return remote.takeReports(signal);
      const { viewers = [], videos = [] } = local?.buffer.takeReports() ?? {};
      return { viewers: [...viewers], videos: [...videos] };
    },
    tracker() {
      const { key, membership: joined } = membership.identity();
      const [url] = membership.trackerUrls();
      return joined && url !== undefined ? { url, signer: signerOf(key, joined) } : undefined;
    },
    log,
  });

  let extras: Repeating | undefined;
  const prepare: Prepare = (source, index) =>
    prepareInWorker(source, index, { workerUrl: files.prepareWorker });
  const conversion = tools && openConversion({ config, db, storage, tools, prepare, log });
  const intake = createIntake({
    db,
    storage,
    sourceAddress: config.sourceAddress,
    prepare,
    hashFile,
    converter: conversion?.converter,
    onJob: () => worker?.wake(),
    onRecord() {
      publisher.wake();
      extras?.wake();
    },
    log,
  });
  const uploads = createUploads({
    db,
    storage,
    intake,
    access: config,
    rights,
    maxUploadBytes: config.maxUpload,
    keepFreeBytes: config.keepFree,
    log,
  });

  const forgetVideo = async (video: VideoId): Promise<void> => {
    await (local?.buffer ?? remote)?.drop(video);
    await origin?.forget(video);
  };
  const { central } = membership;
  const publisher = startPublisher({
    db,
    central,
    conversion: tools?.confinement,
    recoverSource: record => recoverSource(storage, record),
    async onRestored(videos) {
      for (const { video, kind } of videos) {
        if (kind !== 'tombstone') continue;
        await forgetVideo(video);
        await deleteRevisions(db, video);
        await storage.remove(video);
      }
      await markHeld(videos.map(({ video }) => video));
      for (const { video, kind } of videos) if (kind === 'video') intake.check(video);
      copyReconciler.wake();
    },
    newNonce,
    intervalMs: config.signalInterval,
    log,
  });
  const registrations = startRegistrationWatch({ db, central, log });
  const copyStore = new CopyStore(storage);
  const copyFetcher = createVerifiedFetcher({
    selfSiteId: () => membership.identity().membership?.id,
    trackerUrl: () => membership.trackerUrls()[0],
    fetchHoldersSigned,
    onPrivate: rights.notePrivate,
    log,
  });
  const copyReconciler = startCopyReconciler({
    db,
    store: copyStore,
    fetcher: copyFetcher,
    siteId: () => membership.identity().membership?.id,
    key: () => membership.identity().key,
    sourceAddress: config.sourceAddress,
    freeBytes: () => storage.disks.freeBytes() - config.keepFree,
    mayFetch: () => isWithin(config.fillWindows, new Date()),
    describe: video => makeRecord(video, { storage, sourceAddress: config.sourceAddress }),
    removeVideo: video => storage.remove(video),
    forgetOpen: async video => origin?.forget(video),
    onRecord: publisher.wake,
    onHeld: video => markHeld([video]),
    log,
  });
  const assignments = startAssignments({ db, central, onAssigned: copyReconciler.wake, log });
  const withdrawals = startWithdrawals({
    db,
    central,
    async drop(video) {
      await forgetVideo(video);
      await copyReconciler.dropWithdrawn(video);
    },
    log,
  });
  let ready = false;
  const { app, metrics } = await createHttp({
    part: 'site',
    log,
    ready: () => (ready ? undefined : 'The site is starting.'),
    before(request, response) {
      if (!isMediaUrl(request.url)) return uploads.handle(request, response);
      if (local) local.buffer.handle(request, response);
      else response.writeHead(307, { location: config.baseUrl + request.url }).end();
      return true;
    },
    server: tls.server(local?.buffer.fastPath),
  });
  const ballast = createDiskReserve(join(config.dataDirectory, 'ballast'));
  serveStudio(app, {
    db,
    storage,
    sourceAddress: config.sourceAddress,
    access: config,
    rights,
    uploads,
    reserve: ballast,
    onRecord: publisher.wake,
    // A buffer that runs apart and is away is told when it is back: the author need not wait for it.
    onWithdrawn: video =>
      forgetVideo(video).catch(error => {
        if (!remote) throw error;
        log.warn({ video, reason: messageOf(error) }, 'the buffer will be told of a withdrawal later');
      }),
  });
  serveCaptions(app, {
    db,
    storage,
    sourceAddress: config.sourceAddress,
    access: config,
    onRecord: publisher.wake,
  });
  serveJobs(app, {
    db,
    access: config,
    storage,
    sourceAddress: config.sourceAddress,
    onJob: () => worker?.wake(),
    onRecord: publisher.wake,
  });
  serveGateway(
    app,
    createGateway(db, registrations.wake),
    membership.identity,
    createRefusalReporter(central),
  );
  const link = startLink({
    app,
    central,
    wanted: () =>
      config.link === 'always' || (config.link === 'auto' && membership.isUnreachable())
        ? { preferred: config.link === 'always' }
        : undefined,
    log,
  });
  const following = followRights({
    state: book,
    central: () => centralClientOf(membership.identity()),
    log,
  });
  serveRemoteRights(app, {
    book,
    start: newNonce(),
    operatorToken: config.operatorToken,
    fetchHoldersSigned,
  });
  const membershipWatch = membership.start({
    onJoined() {
      following.wake();
      withdrawals.wake();
      assignments.wake();
      publisher.wake();
      registrations.wake();
      link.wake();
    },
    onUnreachable: () => link.wake(),
    checkEpoch: publisher.checkEpoch,
  });
  serveSiteInfo(app, {
    db,
    config,
    identity: membership.identity,
    conversion: tools?.confinement,
    freeBytes: storage.disks.freeBytes,
    load: local?.load ?? IDLE,
    trackerUrls: membership.trackerUrls,
  });
  const buffered = (): ReadonlySet<VideoId> => local?.buffer.videos() ?? new Set();
  serveLibrary(app, {
    db,
    name: config.name,
    access: config,
    serveViewers: config.serveViewers,
    buffered,
    isPrivate: rights.isPrivate,
    isConnected: assignments.isConnected,
  });
  const hearing = startCatalogueSync({
    db,
    central,
    // Of private ones nobody is told, and they are not listed here.
    buffered: () => new Set([...buffered()].filter(video => !rights.isPrivate(video))),
    log,
  });
  if (existsSync(files.uiDirectory)) {
    servePages(app, {
      directory: files.uiDirectory,
      pages: { '/': 'studio.html', '/library': 'library.html' },
      connectTo: () => (config.central ? [config.central] : []),
    });
  }
  if (local) registerBufferMetrics(metrics, local.buffer.stats);
  registerRecordMetrics(metrics, () => countUnpublished(db));

  // A withdrawal that was cut short by a stop: what the buffer still holds of it goes now.
  for (const { id } of await listVideosInState(db, ['withdrawn'])) {
    await forgetVideo(id as VideoId).catch(error =>
      log.warn({ reason: messageOf(error) }, 'not dropped yet'),
    );
  }
  await removeOrphans(db, storage).catch(error =>
    log.warn({ err: error }, 'leftovers could not all be removed; the next start tries again'),
  );
  await intake.resume();
  // Workers that see nothing but the object store leave the site what is done at home, even where it encodes nothing itself.
  const isAtWork = config.workers > 0 || storage.hasObjectStore;
  const worker = isAtWork
    ? await conversion?.start({
        owner: 'site',
        slots: Math.max(1, config.workers),
        hasExpress: config.workers > 0,
        ...(config.workers > 0 ? {} : { kinds: SITE_STEP_KINDS }),
        onRecord: () => publisher.wake(),
      })
    : undefined;
  const upkeep = startMaintenance({
    db,
    disks: storage.disks,
    reserve: ballast,
    uploads,
    intake,
    keepFreeBytes: config.keepFree,
    onDiskBack: () => worker?.wake(),
    onRecord: () => publisher.wake(),
    log,
  });
  extras =
    tools &&
    startExtras({
      db,
      storage,
      sourceAddress: config.sourceAddress,
      tools,
      onRecord: publisher.wake,
      log,
    });
  const settling = storage.hasObjectStore
    ? startOffload({
        db,
        storage,
        extrasAttempts: tools ? MAX_EXTRAS_ATTEMPTS : 0,
        onOffloaded: async video => origin?.forget(video),
        log,
      })
    : undefined;
  await app.listen(config.listen);
  const renewal = tls.watch(app.server);
  ready = true;
  const { port } = app.server.address() as AddressInfo;
  log.info({ listen: `${config.listen.host}:${port}`, parts: config.parts }, 'site is up');

  return {
    url: `${tls.scheme}://${config.listen.host}:${port}`,
    async stop() {
      ready = false;
      await Promise.all([
        renewal?.stop(),
        link.stop(),
        upkeep.stop(),
        publisher.stop(),
        registrations.stop(),
        withdrawals.stop(),
        assignments.stop(),
        hearing.stop(),
        copyReconciler.stop(),
        membershipWatch.stop(),
        following.stop(),
        viewerReports.stop(),
        worker?.stop(),
      ]);
      await extras?.stop();
      await settling?.stop();
      copyFetcher.stop();
      await app.close();
      await local?.buffer.stop();
      await remote?.stop();
      await origin?.stop();
      await intake.stop();
      await db.destroy();
    },
  };
}
