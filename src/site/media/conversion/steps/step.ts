/** What every kind of step is given. */
import type { VideoId } from '../../../../protocol/base/ids.ts';
import type { ClaimedStep } from '../../../database/jobs.ts';
import type { SiteDatabase } from '../../../database/tables/videos.ts';
import type { CaptionProgram, FfmpegProgress, MediaTools } from '../../ffmpeg/ffmpeg.ts';
import type { PreparedSource } from '../../index/source-index.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Converter } from '../plan/converter.ts';

export interface StepDeps {
  readonly db: SiteDatabase;
  readonly storage: Storage;
  readonly tools: MediaTools;
  readonly converter: Converter;
  /** Undefined if captions cannot be created here. */
  readonly captionProgram?: CaptionProgram | undefined;
  readonly sourceAddress: string;
  /** Indexes a source and describes it. */
  readonly prepare: (sourcePath: string, indexPath: string, fileName?: string) => Promise<PreparedSource>;
  /** This machine has no access to the site's disks: files are exchanged through the object store. */
  readonly isRemote?: boolean;
  /** Threads of one encoder. */
  readonly threads: number;
}

export interface StepRun {
  readonly claimed: ClaimedStep;
  readonly abort: AbortSignal;
  readonly onProgress: (progress: FfmpegProgress) => void;
}

export const videoOf = ({ job }: ClaimedStep): VideoId => job.video_id;
