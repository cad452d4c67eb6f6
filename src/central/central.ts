/** Central: composes its database, its collector and its web, and takes them down in the other order. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { formatAddress } from '../kernel/client.ts';
import { systemClock } from '../kernel/clock.ts';
import { createHttp } from '../kernel/http.ts';
import { readOrMakeKey, readOrMakeSecret, sha256Hex } from '../kernel/keys.ts';
import { createLog, type Log } from '../kernel/log.ts';
import { servePages } from '../kernel/pages.ts';
import { listenTo } from '../kernel/postgres.ts';
import { createSecretBox } from '../kernel/secret-box.ts';
import { NonceMemory } from '../kernel/signatures.ts';
import { openDatabase } from '../kernel/sql.ts';
import { Bell } from './bell.ts';
import { Collector } from './collector.ts';
import type { CentralConfig } from './config.ts';
import { countVideos } from './database/catalogue.ts';
import { beginFeed, CHANGES_CHANNEL } from './database/feed.ts';
import { makeFirstKey } from './database/rights-keys.ts';
import { type CentralDatabase, type CentralSchema, migrations } from './database/schema.ts';
import { listPending } from './database/signals.ts';
import { listJoined } from './database/sites.ts';
import { Leasing } from './leasing.ts';
import { Links } from './links.ts';
import { createMetrics } from './metrics.ts';
import { startPlacing } from './placing.ts';
import { createSqlReaders } from './read-by-sql.ts';
import { readOverHttp } from './read-over-http.ts';
import { readEitherWay, readOverLink } from './read-over-link.ts';
import { Refusals } from './refusals.ts';
import { addAssignmentCalls } from './web/assignments.ts';
import { addChangeCalls } from './web/changes.ts';
import { type CentralContext, refuseForeignOrigin } from './web/context.ts';
import { addCopyCalls } from './web/copies.ts';
import { addGrantCalls } from './web/grants.ts';
import { addGreetingCalls } from './web/greetings.ts';
import { addHearsayCalls } from './web/hearsay.ts';
import { addInfoCall } from './web/info.ts';
import { addJoinCalls } from './web/join.ts';
import { addLinkCalls } from './web/links.ts';
import { addRightsCalls } from './web/rights.ts';
import { addSignalCalls } from './web/signals.ts';
import { addSiteCalls } from './web/sites.ts';
import { addTrackerCalls } from './web/trackers.ts';
import { addVideoCalls } from './web/videos.ts';
import { addWithdrawalCalls } from './web/withdrawals.ts';

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
  await beginFeed(db, Date.now());
  const bell = new Bell();
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
      site.database_url === null ? throughGateway(site) : bySql.open(secrets.open(site.database_url)),
    bell,
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
    bell,
    collector,
    links,
    metrics,
    nonces: new NonceMemory(),
    refusals: new Refusals(db),
  };

  // What another central on the same database has changed.
  const listening = config.database
    ? listenTo(config.database, CHANGES_CHANNEL, () => bell.ring())
    : undefined;

  app.addHook('onRequest', async request => refuseForeignOrigin(request));
  addInfoCall(app, context);
  addVideoCalls(app, context);
  addSiteCalls(app, context);
  addTrackerCalls(app, context);
  addJoinCalls(app, context);
  addSignalCalls(app, context);
  addLinkCalls(app, context);
  addGreetingCalls(app, context);
  addWithdrawalCalls(app, context);
  addAssignmentCalls(app, context);
  addCopyCalls(app, context);
  addChangeCalls(app, context);
  addHearsayCalls(app, context);
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
  const placing = startPlacing({ db, bell, log });
  const url = config.baseUrl ?? addressOf(app.server.address() as AddressInfo);
  log.info({ url, data: config.dataDirectory }, 'central is up');

  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    stopping = true;
    bell.close();
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
