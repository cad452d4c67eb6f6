/** Conversion, composed: what looks at sources, and the workers, in a site's own process or in others beside it. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { findCapabilities } from '../../kernel/ffmpeg.ts';
import { createLog, type Log } from '../../kernel/log.ts';
import { openDatabase } from '../../kernel/sql/sql.ts';
import type { SiteConfig } from '../config.ts';
import { type SiteSchema, siteMigrations } from '../database/schema.ts';
import type { SiteDatabase } from '../database/videos.ts';
import type { StepDeps } from '../media/conversion/conversion.ts';
import {
  type Converter,
  createConverter,
  REMOTE_STEP_KINDS,
  type RunningWorker,
  startWorker,
  type WorkerDeps,
} from '../media/conversion/conversion.ts';
import { findMediaTools, type MediaTools } from '../media/ffmpeg/ffmpeg.ts';
import { prepareInWorker } from '../media/index/source-index.ts';
import type { Storage } from '../media/storage/storage.ts';
import { openStorage } from '../media/storage/storage.ts';

export type Prepare = StepDeps['prepare'];

export interface ConversionDeps {
  readonly config: SiteConfig;
  readonly db: SiteDatabase;
  readonly storage: Storage;
  readonly tools: MediaTools;
  readonly prepare: Prepare;
  readonly log: Log;
}

export interface Conversion {
  readonly converter: Converter;
  start(
    worker: Pick<WorkerDeps, 'owner' | 'slots' | 'hasExpress' | 'onRecord' | 'isRemote' | 'kinds'>,
  ): Promise<RunningWorker>;
}

/** Undefined where there is no ffprobe: without it nothing is known of a source that needs it. */
export function openConversion(options: ConversionDeps): Conversion | undefined {
  const { config, tools, storage, log, db, prepare } = options;
  if (tools.confinement.isolation === 'none') {
    log.warn(
      {},
      'Neither bubblewrap nor unshare works here: ffmpeg runs beside everything else on this machine',
    );
  }
  if (!tools.ffprobe) {
    log.warn({}, 'There is an ffmpeg but no ffprobe: films are published as they are, and none is converted');
    return undefined;
  }
  const converter = createConverter({ storage, tools, ladder: config.ladder });
  return {
    converter,
    start: worker =>
      startWorker({
        ...worker,
        db,
        storage,
        tools,
        converter,
        prepare,
        log,
        sourceAddress: config.sourceAddress,
        keepFreeBytes: config.keepFree,
        threads: 1,
        can: async need => (await findCapabilities(tools.ffmpeg)).has(need),
      }),
  };
}

/** `tributary worker`: the jobs of a site, done by a process of its own with the site's database and storage. */
export async function startWorkerPart(
  config: SiteConfig,
  files: { readonly prepareWorker: URL },
): Promise<RunningWorker> {
  const log = createLog('worker', config.logLevel);
  const apart = config.workDirectory;
  if (apart !== undefined && !(config.s3 && config.database)) {
    throw new Error(
      'workDirectory is for workers that share an object store (s3) and a PostgreSQL database with their site: name both, or leave it out.',
    );
  }
  const storage = await openStorage(
    apart === undefined ? config : { dataDirectory: apart, disks: [], s3: config.s3 },
  );
  const tools = await findMediaTools();
  if (!tools) throw new Error('A worker needs an ffmpeg with x264 and AAC: install one, or set FFMPEG_PATH.');
  const db = await openDatabase<SiteSchema>(
    config.database ?? join(config.dataDirectory, 'site.sqlite'),
    siteMigrations,
  );
  const prepare: Prepare = (source, index) =>
    prepareInWorker(source, index, { workerUrl: files.prepareWorker });
  const conversion = openConversion({ config, db, storage, tools, prepare, log });
  if (!conversion) throw new Error('A worker needs ffprobe beside its ffmpeg.');
  const owner = `${hostname()}-${process.pid}-${Date.now().toString(36)}`;
  const worker = await conversion.start({
    owner,
    slots: Math.max(1, config.workers),
    hasExpress: false,
    ...(apart === undefined ? {} : { isRemote: true, kinds: REMOTE_STEP_KINDS }),
    // The site itself sees new records in its database.
    onRecord: () => {},
  });
  log.info({ owner, slots: Math.max(1, config.workers) }, 'worker is up');
  return {
    wake: worker.wake,
    async stop() {
      await worker.stop();
      await db.destroy();
    },
  };
}
