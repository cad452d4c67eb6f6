/** Conversion with the tools of this machine: the converter that inspects sources, and the workers. */
import { findCapabilities } from '../../kernel/ffmpeg.ts';
import type { Log } from '../../kernel/log.ts';
import type { SiteConfig } from '../config.ts';
import type { SiteDatabase } from '../database/tables/videos.ts';
import type { StepDeps } from '../media/conversion/conversion.ts';
import {
  CAPTIONS_NEED,
  type Converter,
  createConverter,
  type RunningWorker,
  startWorker,
  type WorkerDeps,
} from '../media/conversion/conversion.ts';
import type { CaptionProgram, MediaTools } from '../media/ffmpeg/ffmpeg.ts';
import type { Storage } from '../media/storage/storage.ts';

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

const captionProgramOf = ({ captionCommand, captionFiles }: SiteConfig): CaptionProgram | undefined =>
  captionCommand && { command: captionCommand, files: captionFiles };

/** Returns undefined without ffprobe, which is necessary to inspect a source. */
export function openConversion(deps: ConversionDeps): Conversion | undefined {
  const { config, tools, storage, log, db, prepare } = deps;
  if (tools.confinement.isolation === 'none') {
    log.warn(
      {},
      "Neither bubblewrap nor unshare works on this machine: ffmpeg is not sandboxed and runs with the site's privileges",
    );
  }
  if (!tools.ffprobe) {
    log.warn({}, 'ffmpeg was found, but no ffprobe: videos are published as they are, and none is converted');
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
        captionProgram: captionProgramOf(config),
        can: async need =>
          need === CAPTIONS_NEED
            ? config.captionCommand !== undefined
            : (await findCapabilities(tools.ffmpeg)).has(need),
      }),
  };
}
