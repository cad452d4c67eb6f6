/** A site: origin, buffer, database and web, composed. */
import { existsSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Counter, Gauge } from 'prom-client';
import { type CertificateFiles, requireCertificate, watchCertificate } from '../kernel/certificate.ts';
import { ConfigFault } from '../kernel/config.ts';
import { createHttp } from '../kernel/http.ts';
import { newNonce } from '../kernel/keys.ts';
import { createLog } from '../kernel/log.ts';
import { readIdentity } from '../kernel/member.ts';
import { parsePrefix } from '../kernel/network.ts';
import { servePages } from '../kernel/pages.ts';
import { openDatabase } from '../kernel/sql.ts';
import { type Repeating, repeat } from '../kernel/timing.ts';
import type { VideoId } from '../protocol/ids.ts';
import { createStreamBuffer } from './buffer/buffer.ts';
import { DayBudget } from './buffer/egress/day-budget.ts';
import { createEgress } from './buffer/egress/egress.ts';
import { isWithin } from './buffer/egress/windows.ts';
import type { SiteConfig } from './config.ts';
import { openConversion, type Prepare } from './conversion.ts';
import { countUnpublished } from './database/records.ts';
import { deleteRevisions, locateRevision } from './database/revisions.ts';
import { type SiteSchema, siteMigrations } from './database/schema.ts';
import { beginStart, readSignal } from './database/signal.ts';
import { listVideosInState, type SiteDatabase } from './database/videos.ts';
import { createMembership } from './membership.ts';
import { MAX_EXTRAS_ATTEMPTS, startExtras } from './origin/extras/make-extras.ts';
import { findMediaTools } from './origin/ffmpeg/ffmpeg.ts';
import { createIntake } from './origin/intake.ts';
import { removeLeftovers } from './origin/leftovers.ts';
import { prepareInWorker } from './origin/prepare-in-worker.ts';
import { reviveVideo } from './origin/revive.ts';
import { createOriginServer } from './origin/server.ts';
import { openStorage } from './origin/storage/open-storage.ts';
import { startSettling } from './origin/storage/settle.ts';
import { isTrusted } from './web/access.ts';
import { serveCaptions } from './web/captions.ts';
import { centralOverHttp } from './web/central-calls.ts';
import { createGateway, serveGateway } from './web/gateway.ts';
import { startLink } from './web/link.ts';
import { type SiteLoad, servePlace } from './web/place.ts';
import { startPublisher } from './web/publisher.ts';
import { startRegistrationWatch } from './web/registrations.ts';
import { serveStudio } from './web/studio.ts';
import { hashFile } from './web/upload-store.ts';
import { createUploads } from './web/uploads.ts';

const SWEEP_MS = 3_600_000;
/** Of the uplink: from here on trackers are to send viewers elsewhere. */
const NEARLY_FULL = 0.95;
/** Whoever is on this machine needs no limit of connections. */
const LOOPBACK = ['127.0.0.0/8', '::1/128'].flatMap(text => parsePrefix(text) ?? []);
const RECORD_WATCH_MS = 500;

export interface SiteFiles {
  /** The built pages. */
  readonly uiDirectory: string;
  /** The bundled worker that checks sources. */
  readonly prepareWorker: URL;
}

export interface RunningSite {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startSite(config: SiteConfig, files: SiteFiles): Promise<RunningSite> {
  const log = createLog('site', config.logLevel);
  const storage = await openStorage(config);
  for (const disk of storage.disks.all) {
    if (!storage.disks.present().includes(disk)) {
      log.error({ disk }, 'a disk is not there: what is on it cannot be played until it is back');
    }
  }
  const tools = await findMediaTools();
  if (tools?.confinement.isolation === 'none') {
    log.warn(
      {},
      'Neither bubblewrap nor unshare works here: ffmpeg runs beside everything else on this machine',
    );
  }
  const certificate = certificateOf(config);
  const secure = certificate && (await requireCertificate(certificate));
  const identity = await readIdentity(config.dataDirectory);
  const db = await openDatabase<SiteSchema>(
    config.database ?? join(config.dataDirectory, 'site.sqlite'),
    siteMigrations,
  );
  // R7: before anything else, so that no version is numbered until this start has greeted central.
  await beginStart(db, newNonce());

  // SP: cuts streams out of what was uploaded; this site's buffer alone talks to it.
  const origin = createOriginServer({
    key: () => membership.identity().key,
    async locate(video, revision) {
      const found = await locateRevision(db, video, revision);
      return typeof found === 'object'
        ? {
            directory: storage.directory(video),
            open: name => storage.open(video, name),
            ...found,
          }
        : found;
    },
  });
  await listen(origin.server, config.originListen);
  const originPort = (origin.server.address() as AddressInfo).port;

  const membership = createMembership(config, config.dataDirectory, identity, log);

  const day =
    config.uplinkDaily === undefined
      ? undefined
      : await DayBudget.open(join(config.dataDirectory, 'uplink.json'), config.uplinkDaily, log);
  const egress = createEgress(
    { linkBps: config.uplink, viewersBps: config.uplinkViewers, fillsBps: config.uplinkFills },
    day,
  );
  // CP: the only thing that viewers talk to.
  const buffer = await createStreamBuffer({
    siteId: () => membership.identity().membership?.id,
    directory: join(config.dataDirectory, 'buffer'),
    memoryBytes: config.bufferMemory,
    diskBytes: config.bufferDisk,
    origin: { url: `http://${config.originListen.host}:${originPort}` },
    trackerUrl: membership.trackerUrl,
    egress,
    ...(config.serveViewers
      ? {}
      : { servesViewer: (request: IncomingMessage) => isTrusted(request, config) }),
    mayFetchAhead: () => isWithin(config.fillWindows, new Date()),
    log,
  });
  const load = (): SiteLoad => {
    const { activeResponses } = buffer.stats();
    return {
      activeResponses,
      egressBytes: egress.bytes.viewers + egress.bytes.fills,
      // So that a link that is full is never taken for one that is nearly so.
      egressLimitBps: egress.viewersLimitBps && egress.viewersLimitBps * NEARLY_FULL,
      servesViewers: config.serveViewers && !egress.isUsedUp,
    };
  };

  let extras: Repeating | undefined;
  const prepare: Prepare = (source, index, fileName) =>
    prepareInWorker(source, index, fileName, { workerUrl: files.prepareWorker });
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
    maxUploadBytes: config.maxUpload,
    keepFreeBytes: config.keepFree,
    log,
  });

  const forgetVideo = async (video: VideoId): Promise<void> => {
    await buffer.drop(video);
    await origin.forget(video);
  };
  const calls = centralOverHttp(membership.identity);
  const publisher = startPublisher({
    db,
    calls,
    revive: record => reviveVideo(storage, record),
    async onTakenBack(videos) {
      for (const { video, withdrawn } of videos) {
        if (withdrawn) {
          await forgetVideo(video);
          await deleteRevisions(db, video);
          await storage.remove(video);
        } else intake.check(video);
      }
    },
    newNonce,
    intervalMs: config.signalInterval,
    log,
  });
  const registrations = startRegistrationWatch({ db, calls, log });
  let ready = false;
  const { app, metrics } = await createHttp({
    part: 'site',
    log,
    ready: () => (ready ? undefined : 'The site is starting.'),
    before(request, response) {
      if (request.url?.startsWith('/v/')) {
        buffer.handle(request, response);
        return true;
      }
      return uploads.handle(request, response);
    },
    server: {
      lane: buffer.lane,
      certificate: secure,
      connections: {
        perAddress: config.connectionsPerAddress,
        except: [...LOOPBACK, ...config.trustedProxies],
      },
    },
  });
  const renewal =
    certificate &&
    secure &&
    watchCertificate(
      certificate,
      secure,
      changed => (app.server as unknown as TlsServer).setSecureContext(changed),
      log,
    );
  serveStudio(app, {
    db,
    storage,
    sourceAddress: config.sourceAddress,
    access: config,
    uploads,
    onRecord: publisher.wake,
    onWithdrawn: forgetVideo,
  });
  serveCaptions(app, {
    db,
    storage,
    sourceAddress: config.sourceAddress,
    access: config,
    onRecord: publisher.wake,
  });
  serveGateway(app, createGateway(db, registrations.wake), membership.identity);
  const link = startLink({
    app,
    identity: membership.identity,
    wanted: () =>
      config.link === 'always' || (config.link === 'auto' && membership.isUnreachable())
        ? { preferred: config.link === 'always' }
        : undefined,
    log,
  });
  const membershipWatch = membership.start({
    onJoined() {
      publisher.wake();
      registrations.wake();
      link.wake();
    },
    onUnreachable: () => link.wake(),
    checkEpoch: publisher.check,
  });
  servePlace(app, {
    db,
    config,
    identity: membership.identity,
    conversion: tools?.confinement,
    freeBytes: storage.disks.freeBytes,
    load,
  });
  if (existsSync(files.uiDirectory)) {
    servePages(app, {
      directory: files.uiDirectory,
      pages: { '/': 'studio.html' },
      connectTo: () => (config.central ? [config.central] : []),
    });
  }
  measure(metrics, buffer.stats, () => countUnpublished(db));

  // A withdrawal that was cut short by a stop: what the buffer still holds of it goes now.
  for (const { id } of await listVideosInState(db, ['withdrawn'])) await buffer.drop(id as VideoId);
  await removeLeftovers(db, storage).catch(error =>
    log.warn({ err: error }, 'leftovers could not all be removed; the next start tries again'),
  );
  await intake.resume();
  const worker =
    config.workers > 0
      ? await conversion?.start({
          owner: 'site',
          slots: config.workers,
          hasExpress: true,
          onRecord: () => publisher.wake(),
        })
      : undefined;
  // Workers in other processes write records too.
  const recordWatch = watchRecords(db, () => publisher.wake());
  const sweep = repeat(async () => {
    await uploads.sweep().catch(error => log.warn({ err: error }, 'old uploads not swept'));
    return SWEEP_MS;
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
  const settling = storage.settles
    ? startSettling({
        db,
        storage,
        extrasAttempts: tools ? MAX_EXTRAS_ATTEMPTS : 0,
        onSettled: origin.forget,
        log,
      })
    : undefined;
  await app.listen(config.listen);
  ready = true;
  const { port } = app.server.address() as AddressInfo;
  log.info({ listen: `${config.listen.host}:${port}`, origin: originPort }, 'site is up');

  return {
    url: `${secure ? 'https' : 'http'}://${config.listen.host}:${port}`,
    async stop() {
      ready = false;
      await Promise.all([
        renewal?.stop(),
        link.stop(),
        publisher.stop(),
        registrations.stop(),
        membershipWatch.stop(),
        sweep.stop(),
        recordWatch.stop(),
        worker?.stop(),
      ]);
      await extras?.stop();
      await settling?.stop();
      await app.close();
      await buffer.stop();
      await origin.stop();
      await intake.stop();
      await db.destroy();
    },
  };
}

/** @throws ConfigFault where only one of the two is there. */
function certificateOf(config: SiteConfig): CertificateFiles | undefined {
  const { tlsCertificate: certificate, tlsKey: key } = config;
  if (certificate && key) return { certificate, key };
  if (certificate || key) throw new ConfigFault('tlsCertificate and tlsKey are set together or not at all.');
  return undefined;
}

function watchRecords(db: SiteDatabase, onRecord: () => void): Repeating {
  let seen: number | undefined;
  return repeat(async () => {
    const { change } = await readSignal(db);
    if (seen !== undefined && Number(change) !== seen) onRecord();
    seen = Number(change);
    return RECORD_WATCH_MS;
  });
}

const listen = (server: import('node:http').Server, at: { host: string; port: number }): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(at.port, at.host, resolve);
  });

function measure(
  register: import('prom-client').Registry,
  stats: () => {
    readonly hits: number;
    readonly misses: number;
    readonly egress: { readonly viewers: number; readonly fills: number };
    readonly ingressBytes: number;
    readonly activeResponses: number;
  },
  unpublished: () => Promise<number>,
): void {
  const counters = {
    tributary_buffer_hits_total: ['Requests answered from what was kept.', () => stats().hits],
    tributary_buffer_misses_total: ['Requests that had to be filled.', () => stats().misses],
    tributary_buffer_egress_bytes_total: ['Bytes on the wire to viewers.', () => stats().egress.viewers],
    tributary_buffer_fills_egress_bytes_total: [
      "Bytes on the wire to other sites' fills.",
      () => stats().egress.fills,
    ],
    tributary_buffer_ingress_bytes_total: [
      'Body bytes fetched from other sites.',
      () => stats().ingressBytes,
    ],
  } as const;
  for (const [name, [help, read]] of Object.entries(counters)) {
    new Counter({
      name,
      help,
      registers: [register],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }
  new Gauge({
    name: 'tributary_buffer_active_responses',
    help: 'Responses under way.',
    registers: [register],
    collect() {
      this.set(stats().activeResponses);
    },
  });
  new Gauge({
    name: 'tributary_records_unpublished',
    help: 'Records that the centre has not acknowledged.',
    registers: [register],
    async collect() {
      this.set(await unpublished());
    },
  });
}
