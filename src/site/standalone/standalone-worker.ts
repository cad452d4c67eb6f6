/** `tributary worker`: does the jobs of a site in its own process, with the site's database and storage. */
import { hostname } from 'node:os';
import { ConfigError } from '../../kernel/config/config-error.ts';
import { startPart } from '../../kernel/lifecycle/lifetime.ts';
import { StartupError } from '../../kernel/lifecycle/startup-error.ts';
import { createLog } from '../../kernel/log.ts';
import { openConversion } from '../compose/conversion.ts';
import { openSiteDatabase } from '../compose/core.ts';
import { completeSiteConfig, type SiteSettings } from '../config.ts';
import { REMOTE_STEP_KINDS } from '../media/conversion/conversion.ts';
import { findMediaTools } from '../media/ffmpeg/ffmpeg.ts';
import { prepareInWorker } from '../media/index/source-index.ts';
import { openStorage } from '../media/storage/storage.ts';

/** @throws ConfigError if a remote worker (`workDirectory`) could not reach the site's files; StartupError without ffmpeg */
export async function startStandaloneWorker(
  settings: SiteSettings,
  files: { readonly prepareWorker: URL },
): Promise<{ stop(): Promise<void> }> {
  const config = await completeSiteConfig(settings);
  const log = createLog('worker', config.logLevel);
  const { workDirectory, s3 } = config;
  const isRemote = workDirectory !== undefined;
  if (isRemote && !(s3 && config.database)) {
    throw new ConfigError(
      'workDirectory is for workers that share an object store (s3) and a PostgreSQL database with their site. Set both, or remove workDirectory.',
    );
  }
  return startPart({ part: 'worker', log }, async lifetime => {
    const tools = await findMediaTools();
    if (!tools)
      throw new StartupError('a worker needs an ffmpeg with x264 and AAC (install one, or set FFMPEG_PATH)');
    const storage = await openStorage(isRemote ? { dataDirectory: workDirectory, disks: [], s3 } : config);
    const db = await openSiteDatabase(config, lifetime);
    const conversion = openConversion({
      config,
      db,
      storage,
      tools,
      prepare: (source, index) => prepareInWorker(source, index, { workerUrl: files.prepareWorker }),
      log,
    });
    if (!conversion) throw new StartupError('a worker needs ffprobe as well as ffmpeg');
    const owner = `${hostname()}-${process.pid}-${Date.now().toString(36)}`;
    const slots = Math.max(1, config.workers);
    const worker = await conversion.start({
      owner,
      slots,
      hasExpress: false,
      ...(isRemote ? { isRemote, kinds: REMOTE_STEP_KINDS } : {}),
      // The site finds new records in its database.
      onRecord: () => {},
    });
    lifetime.add('workers', worker.stop);
    log.info({ owner, slots }, 'worker is up');
    return {};
  });
}
