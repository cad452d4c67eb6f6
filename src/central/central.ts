/** Central: composes its database, its collector and its web, and takes them down in the other order. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { formatAddress } from '../kernel/http/client.ts';
import { servePages } from '../kernel/http/pages.ts';
import { createHttp } from '../kernel/http/server.ts';
import { readOrMakeKey, readOrMakeSecret, sha256Hex } from '../kernel/identity/keys.ts';
import { createSecretBox } from '../kernel/identity/secret-box.ts';
import { NonceMemory } from '../kernel/identity/signatures.ts';
import { systemClock } from '../kernel/lifecycle/clock.ts';
import { createLog, type Log } from '../kernel/log.ts';
import { listenTo } from '../kernel/sql/postgres.ts';
import { openDatabase } from '../kernel/sql/sql.ts';
import { ChangeNotifier } from './change-notifier.ts';
import { Collector } from './collector/collector.ts';
import { Leasing } from './collector/leasing.ts';
import type { CentralConfig } from './config.ts';
import { countVideos } from './database/catalogue.ts';
import { CHANGES_CHANNEL, startFeed } from './database/feed.ts';
import { listPending } from './database/publication/signals.ts';
import { makeFirstKey } from './database/rights-keys.ts';
import { type CentralDatabase, type CentralSchema, migrations } from './database/schema.ts';
import { listJoined } from './database/sites.ts';
import { createMetrics } from './metrics.ts';
import { startPlacementLoop } from './placement-loop.ts';
import { RejectionLog } from './rejection-log.ts';
import { Links } from './site-reader/links.ts';
import { createSqlReaders } from './site-reader/read-by-sql.ts';
import { readOverHttp } from './site-reader/read-over-http.ts';
import { readEitherWay, readOverLink } from './site-reader/read-over-link.ts';
import { addCopyCalls } from './web/admin/copies.ts';
import { addGrantCalls } from './web/admin/grants.ts';
import { addSiteCalls } from './web/admin/sites.ts';
import { addTrackerCalls } from './web/admin/trackers.ts';
import { type CentralContext, rejectForeignOrigin } from './web/context.ts';
import { addInfoCall } from './web/info.ts';
import { addAssignmentCalls } from './web/members/assignments.ts';
import { addChangeCalls } from './web/members/changes.ts';
import { addHandshakeCalls } from './web/members/handshakes.ts';
import { addJoinCalls } from './web/members/join.ts';
import { addLinkCalls } from './web/members/links.ts';
import { addPeerMeasurementCalls } from './web/members/peer-measurements.ts';
import { addRightsCalls } from './web/members/rights.ts';
import { addSignalCalls } from './web/members/signals.ts';
import { addWithdrawalCalls } from './web/members/withdrawals.ts';
import { addVideoCalls } from './web/videos.ts';

/** Central signs its reads of the gateways under this id. */
const CENTRAL_KEY_ID = 'central';
/** Never signed for anybody else: an Ed25519 signature is deterministic (RFC 8032), so it is a secret that only the key's owner can make. */
const SESSIONS = 'tributary central: sessions of trackers';
const SECRETS = 'tributary central: secrets in the database';
/** A longer list of origins in the page's policy would not pass common header limits; then the schemes stand for them. */
const MAX_POLICY_CHARACTERS = 2_000;

export interface CentralOptions {
  /** The built pages; none are served where the directory is not there. */
  readonly uiDirectory?: string;
  readonly log?: Log;
}

export interface RunningCentral {
  readonly url: string;
  readonly publicKey: string;
  stop(): Promise<void>;
}

/** @throws if the database is damaged, the key unreadable, or the address taken. */
export async function startCentral(
  config: CentralConfig,
  options: CentralOptions = {},
): Promise<RunningCentral> {
  const log = options.log ?? createLog('central', config.logLevel);
  await mkdir(config.dataDirectory, { recursive: true, mode: 0o700 });
  const key = await readOrMakeKey(join(config.dataDirectory, 'central.key'));
  const db = await openDatabase<CentralSchema>(
    config.database ?? join(config.dataDirectory, 'central.sqlite'),
    migrations,
  );
  await startFeed(db, Date.now());
  const changes = new ChangeNotifier();
  let stopping = false;
  const { app, metrics: registry } = await createHttp({
    part: 'central',
    log,
    ready: () => (stopping ? 'Central is stopping.' : undefined),
  });
  const metrics = createMetrics(registry, {
    videos: () => countVideos(db),
    pendingSignals: async () => (await listPending(db)).reduce((sum, { signals }) => sum + signals, 0),
  });
  const secrets = createSecretBox(key.sign(SECRETS).toString('base64'));
  await makeFirstKey(db, secrets, Date.now());
  const signer = { key, keyId: CENTRAL_KEY_ID };
  const links = new Links();
  const throughGateway = readEitherWay(readOverHttp(signer), readOverLink(signer, links), links, systemClock);
  const bySql = createSqlReaders();
  // The same at each start: what it held when it was killed, it may take up again at once, with a new fence.
  const id = (await readOrMakeSecret(join(config.dataDirectory, 'central.id'))).toString('base64url');
  const holder = `${id} ${config.listen.host}:${config.listen.port}`;
  const leasing = new Leasing({ db, holder, clock: systemClock, log });
  const collector = new Collector({
    db,
    openReader: site =>
      site.database_url === null ? throughGateway(site) : bySql.open(secrets.decrypt(site.database_url)),
    changes,
    metrics,
    log,
    sweepIntervalMs: config.sweepInterval,
    leasing,
  });
  const context: CentralContext = {
    config,
    publicKey: key.publicKey,
    sessionKey: Buffer.from(sha256Hex(key.sign(SESSIONS)), 'hex').toString('base64url'),
    db,
    secrets,
    changes,
    collector,
    links,
    metrics,
    nonces: new NonceMemory(),
    rejections: new RejectionLog(db),
  };

  // What another central on the same database has changed.
  const listening = config.database
    ? listenTo(config.database, CHANGES_CHANNEL, () => changes.notify())
    : undefined;

  app.addHook('onRequest', async request => rejectForeignOrigin(request));
  addInfoCall(app, context);
  addVideoCalls(app, context);
  addSiteCalls(app, context);
  addTrackerCalls(app, context);
  addJoinCalls(app, context);
  addSignalCalls(app, context);
  addLinkCalls(app, context);
  addHandshakeCalls(app, context);
  addWithdrawalCalls(app, context);
  addAssignmentCalls(app, context);
  addCopyCalls(app, context);
  addChangeCalls(app, context);
  addPeerMeasurementCalls(app, context);
  addRightsCalls(app, context);
  addGrantCalls(app, context);
  if (options.uiDirectory && existsSync(options.uiDirectory)) {
    servePages(app, {
      directory: options.uiDirectory,
      pages: {
        '/': 'index.html',
        '/watch/:video': 'watch.html',
        '/admin': 'admin.html',
        '/admin/explain': 'explain.html',
      },
      connectTo: () => listOrigins(db),
    });
  }

  try {
    await app.listen(config.listen);
    await collector.start();
  } catch (error) {
    await collector.stop();
    leasing.stop();
    await app.close();
    await Promise.all([bySql.stop(), listening?.stop()]);
    await db.destroy();
    throw error;
  }
  const placing = startPlacementLoop({ db, changes, log });
  const url = config.baseUrl ?? addressOf(app.server.address() as AddressInfo);
  log.info({ url, data: config.dataDirectory }, 'central is up');

  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    stopping = true;
    changes.close();
    links.close();
    await Promise.all([collector.stop(), placing.stop()]);
    leasing.stop();
    await app.close();
    await Promise.all([bySql.stop(), listening?.stop()]);
    await db.destroy();
    log.info({}, 'central has stopped');
  };
  return { url, publicKey: key.publicKey, stop: () => (stopped ??= stop()) };
}

/** Where this machine's own programs reach it: nobody can connect to "any address". */
function addressOf({ address, port }: AddressInfo): string {
  const reachable = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address;
  return `http://${formatAddress(reachable, port)}`;
}

/** What the pages may connect to: trackers and sites. */
async function listOrigins(db: CentralDatabase): Promise<readonly string[]> {
  const members = [...(await listJoined(db, 'tracker')), ...(await listJoined(db, 'site'))];
  const origins = [...new Set(members.map(member => member.base_url))];
  if (origins.join(' ').length <= MAX_POLICY_CHARACTERS) return origins;
  return [...new Set(origins.map(origin => new URL(origin).protocol))];
}
