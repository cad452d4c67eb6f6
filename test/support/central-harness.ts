/** A central on a free port with an empty database, and members that have joined it. */
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type CentralOptions, type RunningCentral, startCentral } from '../../src/central/central.ts';
import { centralConfigSchema } from '../../src/central/config.ts';
import { readOrMakeKey } from '../../src/kernel/identity/keys.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { newSiteResponseSchema, newTrackerResponseSchema } from '../../src/protocol/central.ts';
import {
  type CentralUnderTest,
  type JsonResponse,
  joinCentral,
  type RequestOptions,
  requestCentral,
  TOKEN,
} from './central-requests.ts';
import { ENGINE, makeDatabase, type TestDatabase } from './postgres/databases.ts';
import { makeTemporaryDirectory, removeDirectory } from './temporary-directory.ts';
import { TestSite } from './test-site.ts';
import { TestTracker } from './test-tracker.ts';

export interface CentralHarness extends CentralUnderTest {
  /** Central's database. */
  readonly database: TestDatabase;
  readonly directory: string;
  readonly central: RunningCentral;
  restart(): Promise<void>;
  /** Restarts with these settings instead. */
  restartWith(settings: Record<string, unknown>): Promise<void>;
  /** Starts another central on the same database, with the same key. */
  startAnother(): Promise<RunningCentral>;
  /** A request with the operator's token, unless `options` give another. */
  request(method: string, path: string, options?: RequestOptions): Promise<JsonResponse>;
  addSite(name: string): Promise<TestSite>;
  addTracker(name: string): Promise<TestTracker>;
  stop(): Promise<void>;
}

export async function startCentralHarness(
  settings: Record<string, unknown> = {},
  options: CentralOptions = {},
): Promise<CentralHarness> {
  const directory = await makeTemporaryDirectory('central');
  const database = await makeDatabase();
  const configure = (changes: Record<string, unknown> = {}) =>
    centralConfigSchema.parse({
      ...(ENGINE === 'postgres' ? { database: database.place } : {}),
      listen: '127.0.0.1:0',
      dataDirectory: directory,
      operatorToken: TOKEN,
      sweepInterval: '1 h',
      copyRetention: '10 ms',
      logLevel: 'silent',
      ...settings,
      ...changes,
    });
  let config = configure();
  let central = await startCentral(config, { log: silentLog, ...options });
  const { port } = new URL(central.url);
  const sites: TestSite[] = [];
  const others: RunningCentral[] = [];
  const harness: CentralHarness = {
    directory,
    database: ENGINE === 'postgres' ? database : { ...database, place: join(directory, 'central.sqlite') },
    url: central.url,
    get central() {
      return central;
    },
    async restart() {
      await central.stop();
      central = await startCentral(
        { ...config, listen: { host: '127.0.0.1', port: Number(port) } },
        { log: silentLog, ...options },
      );
    },
    async restartWith(changes) {
      config = configure(changes);
      await harness.restart();
    },
    async startAnother() {
      const dataDirectory = join(directory, `another-${others.length}`);
      await mkdir(dataDirectory);
      await copyFile(join(directory, 'central.key'), join(dataDirectory, 'central.key'));
      const another = await startCentral({ ...config, dataDirectory }, { log: silentLog, ...options });
      others.push(another);
      return another;
    },
    request: (method, path, options) => requestCentral(central.url, method, path, options),
    async addSite(name) {
      const site = await TestSite.start(harness, join(directory, `${name}.key`));
      sites.push(site);
      const response = await harness.request('POST', '/api/sites', { body: { name, baseUrl: site.baseUrl } });
      const { site: row, joinToken } = newSiteResponseSchema.parse(response.body);
      await site.join(row.id, joinToken);
      return site;
    },
    async addTracker(name) {
      const key = await readOrMakeKey(join(directory, `${name}.key`));
      const response = await harness.request('POST', '/api/trackers', {
        body: { name, baseUrl: `http://127.0.0.1:9${sites.length}` },
      });
      const { tracker, joinToken } = newTrackerResponseSchema.parse(response.body);
      await joinCentral(central.url, key, joinToken);
      return new TestTracker(harness, { key, keyId: tracker.id });
    },
    async stop() {
      await Promise.all(sites.map(site => site.close()));
      await Promise.all([central, ...others].map(each => each.stop()));
      await database.drop();
      await removeDirectory(directory);
    },
  };
  return harness;
}
