/** The composition of central: its database, its collector and its calls. They stop in reverse order. */
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createAccessGuard } from '../kernel/access/access.ts';
import { sessionCookieName } from '../kernel/access/credentials.ts';
import { recordAccess } from '../kernel/audit/access-events.ts';
import { lockDirectory } from '../kernel/directory-lock.ts';
import { openPrivateDirectory } from '../kernel/files.ts';
import { formatAddress } from '../kernel/http/client.ts';
import { connectionLimitOf } from '../kernel/http/connections/connection-limit.ts';
import { ownAuthorities, socketAuthorities } from '../kernel/http/own-names.ts';
import { createHttp } from '../kernel/http/server.ts';
import type { Recipient } from '../kernel/http/signed-requests.ts';
import { type KeyPair, readOrMakeKey, readOrMakeSecret, sha256Hex } from '../kernel/identity/keys.ts';
import { openNonces } from '../kernel/identity/nonce-files.ts';
import { createSecretBox } from '../kernel/identity/secret-box.ts';
import { systemClock } from '../kernel/lifecycle/clock.ts';
import { type Lifetime, startPart } from '../kernel/lifecycle/lifetime.ts';
import { createLog, type Log } from '../kernel/log.ts';
import { listenTo } from '../kernel/sql/postgres.ts';
import { openReaders } from '../kernel/sql/readers.ts';
import { openDatabase } from '../kernel/sql/sql.ts';
import { CENTRAL_KEY_ID } from '../protocol/base/ids.ts';
import { type Audit, type AuditDeps, createAudit } from './audit/audit.ts';
import { startCheckpoints } from './audit/checkpoint.ts';
import { startRetention } from './audit/retention.ts';
import { type CaptionsLoopDeps, startCaptionsLoop } from './captions/captions-loop.ts';
import { ChangeNotifier } from './change-notifier.ts';
import { Collector, type CollectorDeps } from './collector/collector.ts';
import { Leasing } from './collector/leasing.ts';
import type { CentralConfig } from './config.ts';
import { createProver } from './database/audit/chain.ts';
import { CHANGES_CHANNEL, startFeed } from './database/feed.ts';
import { notePeopleChange } from './database/people/changes.ts';
import { saveProviders } from './database/people/providers/configured.ts';
import { listPending } from './database/publication/signals.ts';
import { openMasters } from './database/rights-keys.ts';
import { type CentralDatabase, type CentralSchema, migrations } from './database/schema.ts';
import { countVideosBySite } from './database/sites.ts';
import { createMetrics } from './metrics.ts';
import { createAuthenticate } from './people/authenticate.ts';
import { startCleanup } from './people/cleanup.ts';
import { prepareFirstStart, requireLocalDemo } from './people/first-start.ts';
import { createProviders } from './people/oidc/providers.ts';
import { startPlacementLoop } from './placement-loop.ts';
import { startPlayCounts } from './play-counts.ts';
import { RejectionLog } from './rejection-log.ts';
import { startViewingLoop } from './rights/viewing.ts';
import { startScheduleLoop } from './schedule-loop.ts';
import { startSearchIndex } from './search-index.ts';
import { SignalRate } from './signal-rate.ts';
import { Links } from './site-reader/links.ts';
import { createReaders } from './site-reader/open-readers.ts';
import type { CentralContext } from './web/context/context.ts';
import { addCalls, addPages } from './web/web.ts';

/**
 * Texts that central signs for itself only. An Ed25519 signature is deterministic (RFC 8032), so each is a secret that only the
 * owner of the key can compute.
 */
const SESSIONS = 'tributary central: sessions of trackers';
const SECRETS = 'tributary central: secrets in the database';

/** For each request to a provider of OpenID Connect; a person is waiting. */
const PROVIDER_TIMEOUT_MS = 10_000;

export interface CentralOptions {
  /** The directory of the built pages. Without it, no pages are served. */
  readonly uiDirectory?: string;
  readonly log?: Log;
  /** Shows a text to the operator, for example the link of the first administrator. Default: it is not shown. */
  readonly print?: (text: string) => void;
}

export interface RunningCentral {
  readonly url: string;
  readonly publicKey: string;
  stop(): Promise<void>;
}

/** @throws if the database is damaged, the key unreadable, or the address in use. */
export function startCentral(config: CentralConfig, options: CentralOptions = {}): Promise<RunningCentral> {
  const log = options.log ?? createLog('central', config.logLevel);
  return startPart({ part: 'central', log }, async lifetime => {
    requireLocalDemo(config);
    await lockDirectory(config.dataDirectory, 'central', lifetime);
    await openPrivateDirectory(config.dataDirectory);
    const keyPath = join(config.dataDirectory, 'central.key');
    const key = await readOrMakeKey(keyPath);
    const place = config.database ?? join(config.dataDirectory, 'central.sqlite');
    const db = await openDatabase<CentralSchema>(place, migrations);
    lifetime.add('database', () => db.destroy());
    const { reads, stop: stopReaders } = openReaders(db, place);
    lifetime.add('readers of the database', stopReaders);
    const secrets = createSecretBox(key.sign(SECRETS).toString('base64'));
    await openMasters(db, secrets, keyPath, Date.now());
    await startFeed(db, Date.now());
    const audit = openAudit({ db, config, key, log }, lifetime);
    await saveProviders(db, config.oidc, Date.now());

    let stopping = false;
    const { app, metrics: registry } = await createHttp({
      part: 'central',
      log,
      ready: () => (stopping ? 'Central is stopping.' : undefined),
      server: { connections: connectionLimitOf(config) },
    });
    lifetime.add('server', () => app.close());
    const metrics = createMetrics(registry, {
      videos: () => countVideos(db),
      pendingSignals: () => countPending(db),
    });
    const changes = openNotifier(config, lifetime);
    const links = new Links();
    const signer = { key, keyId: CENTRAL_KEY_ID };
    const readers = createReaders({ signer, links, secrets, clock: systemClock });
    lifetime.add('connections to site databases', readers.stop);
    const leasing = await openLeasing({ config, db, log }, lifetime);
    const collector = createCollector(
      { config, db, openReader: readers.open, changes, metrics, leasing, log },
      lifetime,
    );

    const credentials = {
      operatorToken: config.breakGlass ? config.operatorToken : undefined,
      cookie: sessionCookieName('central'),
    };
    const ownUrl = (): string => config.baseUrl ?? addressOf(app.server.address() as AddressInfo);
    const context: CentralContext = {
      config,
      audit,
      log,
      ownUrl,
      providers: createProviders(config.oidc, { timeoutMs: PROVIDER_TIMEOUT_MS, clock: systemClock, log }),
      credentials,
      guard: createAccessGuard({
        authenticate: createAuthenticate({ db, config, credentials }),
        ...recordAccess({ ...audit, trustedProxies: config.trustedProxies }),
      }),
      publicKey: key.publicKey,
      signer,
      sessionKey: Buffer.from(sha256Hex(key.sign(SESSIONS)), 'hex').toString('base64url'),
      db,
      reads,
      secrets,
      changes,
      collector,
      links,
      metrics,
      recipient: {
        nonces: openNonces(config.dataDirectory, log, lifetime),
        authorities: authoritiesOf(config),
      },
      rejections: new RejectionLog(db),
      signalRate: new SignalRate(),
    };
    addCalls(app, context);
    addPages(app, context, options.uiDirectory);
    // The configuration may give other roles now, and this database may have been restored from a backup.
    await db.transaction().execute(tx => notePeopleChange(tx, { all: true }, Date.now()));
    await app.listen(config.listen);
    await collector.start();
    startLoops({ ...context, openGateway: readers.openGateway, leasing }, lifetime);
    // Long polls end first, so that nothing waits for them.
    lifetime.add('long polls', () => {
      stopping = true;
      changes.close();
      links.close();
    });
    const url = ownUrl();
    await prepareFirstStart({ db, config, print: options.print ?? (() => {}) }, url);
    log.info({ url, data: config.dataDirectory }, 'central is up');
    return { url, publicKey: key.publicKey };
  });
}

/** Another central on the same database notifies of its changes through the database. */
function openNotifier({ database }: CentralConfig, lifetime: Lifetime): ChangeNotifier {
  const changes = new ChangeNotifier();
  if (database) {
    const listener = listenTo(database, CHANGES_CHANNEL, () => changes.notify());
    lifetime.add('notifications of other centrals', listener.stop);
  }
  return changes;
}

/** Members may call central by the address on which it listens. Nobody else receives what a member signs for central. */
const authoritiesOf =
  (config: CentralConfig): Recipient['authorities'] =>
  ({ socket }) => [...ownAuthorities(config), ...socketAuthorities(socket)];

function startLoops(context: CentralContext & CaptionsLoopDeps, lifetime: Lifetime): void {
  const { db, changes, config, log } = context;
  lifetime.add(
    'placement loop',
    startPlacementLoop({ db, changes, retentionMs: config.copyRetention, log }).stop,
  );
  lifetime.add('plays of the week', startPlayCounts({ db, log }).stop);
  lifetime.add('captions for the search', startCaptionsLoop(context).stop);
  lifetime.add('schedule of videos', startScheduleLoop({ db, changes, log }).stop);
  lifetime.add('search index', startSearchIndex({ db, log }).stop);
  lifetime.add('grants of viewers', startViewingLoop(context).stop);
  lifetime.add('cleanup of sessions', startCleanup({ db, config, log }).stop);
}

const countVideos = async (db: CentralDatabase): Promise<number> =>
  [...(await countVideosBySite(db, 'all')).values()].reduce((sum, { videos }) => sum + videos, 0);
const countPending = async (db: CentralDatabase): Promise<number> =>
  (await listPending(db)).reduce((sum, { signals }) => sum + signals, 0);

/** The audit log, its checkpoints in the data directory, and its retention. */
function openAudit(
  {
    config,
    key,
    ...deps
  }: { readonly config: CentralConfig; readonly key: KeyPair } & Omit<AuditDeps, 'prover'>,
  lifetime: Lifetime,
): Audit {
  const { dataDirectory: directory, auditDays: days } = config;
  const prover = createProver(key);
  startCheckpoints({ ...deps, directory }, lifetime);
  if (days !== undefined) lifetime.add('audit retention', startRetention({ ...deps, prover, days }).stop);
  const audit = createAudit({ ...deps, prover });
  lifetime.add('audit log', audit.stop);
  return audit;
}

/** Shares the work among the centrals that use one database. */
async function openLeasing(
  { config, db, log }: Pick<CentralContext, 'config' | 'db' | 'log'>,
  lifetime: Lifetime,
): Promise<Leasing> {
  // The holder is the same at each start, so a central that was killed can take up its own leases at once, with a new fence.
  const id = (await readOrMakeSecret(join(config.dataDirectory, 'central.id'))).toString('base64url');
  const holder = `${id} ${config.listen.host}:${config.listen.port}`;
  const leasing = new Leasing({ db, holder, clock: systemClock, log });
  lifetime.add('leases', () => leasing.stop());
  return leasing;
}

function createCollector(
  { config, ...deps }: { readonly config: CentralConfig } & Omit<CollectorDeps, 'sweepIntervalMs'>,
  lifetime: Lifetime,
): Collector {
  const collector = new Collector({ ...deps, sweepIntervalMs: config.sweepInterval });
  lifetime.add('collector', () => collector.stop());
  return collector;
}

/** The URL under which programs on this machine reach central: a client cannot connect to the unspecified address. */
function addressOf({ address, port }: AddressInfo): string {
  const reachable = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address;
  return `http://${formatAddress(reachable, port)}`;
}
