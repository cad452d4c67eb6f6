/** Looks at a source with ffprobe and says what work it needs. The decisions are in `conversion.ts`; here is what they need to know. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { VideoId } from '../../../protocol/ids.ts';
import type { NewJob } from '../../database/jobs.ts';
import { SNIFF_BYTES, sniff } from '../containers/sniff.ts';
import { readingWords } from '../ffmpeg/allowed.ts';
import { type Container, findContainer } from '../ffmpeg/demuxers.ts';
import type { MediaTools } from '../ffmpeg/ffmpeg.ts';
import { PROGRESS_ARGS, runFfmpeg } from '../ffmpeg/run.ts';
import type { PreparedSource } from '../index/prepare.ts';
import { SourceIndex } from '../index/source-index.ts';
import type { SourceRejected } from '../source-rejected.ts';
import type { Storage } from '../storage/storage.ts';
import {
  type EncodeInput,
  planFirstRung,
  planLadder,
  planRemux,
  planUpperLadder,
  planWrap,
  type StandingSource,
} from './conversion.ts';
import type { EncodePlan } from './encode-plan.ts';
import type { LadderRung } from './ladder.ts';
import { type ProbedSource, probeMedia } from './media-probe.ts';

export interface Look {
  readonly container: Container;
  readonly probed: ProbedSource;
}

/** Why a source cannot be published as it is. */
export interface Unfit {
  readonly refusal?: SourceRejected;
  readonly hasGaps?: boolean;
  /** The name of a copy with times, made for the conversion alone. */
  readonly wrapped?: string;
}

export interface ConverterOptions {
  readonly storage: Storage;
  readonly tools: MediaTools;
  readonly ladder: readonly LadderRung[];
}

export interface Converter {
  /** What ffprobe sees in a file of this video; undefined of what is no film. @throws SourceRejected */
  look(video: VideoId, source?: string): Promise<Look | undefined>;
  /** The work that makes a source playable that is not so as it is; undefined where nothing does. */
  planRescue(video: VideoId, look: Look, why?: Unfit): Promise<NewJob | undefined>;
  /** A first rung beside a source that only some browsers play. */
  planBeside(video: VideoId, look: Look, prepared: PreparedSource): Promise<NewJob | undefined>;
  /** The ladder beside a source that is published. */
  planLadder(
    video: VideoId,
    look: Look,
    standing: { readonly prepared: PreparedSource; readonly index: string; readonly source: string },
  ): Promise<NewJob | undefined>;
  /** The ladder above a first rung; `index` is that rung's. */
  planUpper(video: VideoId, first: EncodePlan, index: string): Promise<NewJob | undefined>;
}

export function createConverter({ storage, tools, ladder }: ConverterOptions): Converter {
  async function look(video: VideoId, source = storage.sourceName): Promise<Look | undefined> {
    const path = await storage.fetch(video, source);
    const container = findContainer(sniff(await readHead(path)));
    return container && { container, probed: await probeMedia(tools, path, container) };
  }

  async function toInput(video: VideoId, { container, probed }: Look, source: string): Promise<EncodeInput> {
    const durationSeconds =
      probed.durationSeconds ?? (await measureSeconds(tools, await storage.fetch(video, source), container));
    return { video, source, container, probed, durationSeconds, ladder };
  }

  async function toStanding(
    video: VideoId,
    prepared: PreparedSource,
    index: string,
  ): Promise<StandingSource> {
    return { prepared, index, boundaries: await readBoundaries(join(storage.directory(video), index)) };
  }

  return {
    look,
    async planRescue(video, found, { refusal, hasGaps = false, wrapped } = {}) {
      if (found.container.leadInSeconds === undefined) {
        return planWrap({ video, source: storage.sourceName, ladder, ...found });
      }
      const input = {
        ...(await toInput(video, found, wrapped ?? storage.sourceName)),
        hasGaps,
        isPassing: wrapped !== undefined,
      };
      const remux = refusal && planRemux(input, refusal.code);
      return remux ?? planFirstRung(input);
    },
    async planBeside(video, found, prepared) {
      const input = await toInput(video, found, storage.sourceName);
      return planFirstRung(input, await toStanding(video, prepared, storage.indexName));
    },
    async planLadder(video, found, { prepared, index, source }) {
      const input = await toInput(video, found, source);
      return planLadder(input, await toStanding(video, prepared, index));
    },
    async planUpper(video, first, index) {
      const found = await look(video, first.source);
      if (!found) return undefined;
      const input = await toInput(video, found, first.source);
      return planUpperLadder(input, { before: first.before, after: [index] }, first);
    },
  };
}

async function readHead(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const head = Buffer.alloc(SNIFF_BYTES);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    return head.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Where the pictures' segments begin (the sound's, where there are none), seconds. */
async function readBoundaries(indexPath: string): Promise<readonly number[]> {
  const index = await SourceIndex.open(indexPath);
  try {
    const which = Math.max(
      0,
      index.renditions.findIndex(({ rendition }) => rendition.kind === 'video'),
    );
    let at = 0;
    return index.listDurations(which).map(seconds => {
      const start = at;
      at += seconds;
      return start;
    });
  } finally {
    await index.close();
  }
}

/** Reads the whole file, where its container does not say how long it is. */
async function measureSeconds(tools: MediaTools, path: string, { demuxer }: Container): Promise<number> {
  let outMs = 0;
  const args = [
    ...['-hide_banner', '-loglevel', 'error', '-nostdin', ...PROGRESS_ARGS, ...readingWords(path, demuxer)],
    ...['-map', '0:V?', '-map', '0:a?', '-c', 'copy', '-f', 'null', '-'],
  ];
  await runFfmpeg({
    program: tools.ffmpeg,
    args: args.map(String),
    reads: [path],
    writes: [],
    confinement: tools.confinement,
    onProgress: progress => {
      outMs = progress.outMs;
    },
  });
  return Math.max(1, outMs) / 1_000;
}
