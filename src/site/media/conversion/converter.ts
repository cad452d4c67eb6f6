/** Looks at a source with ffprobe and says what work it needs. The decisions are in `conversion.ts`; here is what they need to know. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { VideoId } from '../../../protocol/ids.ts';
import type { NewJob } from '../../database/jobs.ts';
import { SNIFF_BYTES, sniff } from '../containers/containers.ts';
import { inputArgs } from '../ffmpeg/allowed.ts';
import { type Container, findContainer } from '../ffmpeg/demuxers.ts';
import type { MediaTools } from '../ffmpeg/ffmpeg.ts';
import { PROGRESS_ARGS, runFfmpeg } from '../ffmpeg/run.ts';
import type { PreparedSource } from '../index/source-index.ts';
import { SourceIndex } from '../index/source-index.ts';
import type { SourceRejected } from '../source-rejected.ts';
import type { Storage } from '../storage/storage.ts';
import {
  type EncodeInput,
  type ExistingRenditions,
  planFirstRendition,
  planLadder,
  planRemux,
  planUpperLadder,
  planWrap,
} from './conversion.ts';
import type { EncodePlan } from './encode-plan.ts';
import type { LadderEntry } from './ladder.ts';
import { type ProbedSource, probeMedia } from './media-probe.ts';

export interface ProbeResult {
  readonly container: Container;
  readonly probed: ProbedSource;
}

/** Why a source cannot be published as it is. */
export interface Unplayable {
  readonly rejection?: SourceRejected;
  readonly hasGaps?: boolean;
  /** The name of a copy with times, made for the conversion alone. */
  readonly wrapped?: string;
}

export interface ConverterDeps {
  readonly storage: Storage;
  readonly tools: MediaTools;
  readonly ladder: readonly LadderEntry[];
}

export interface Converter {
  /** What ffprobe sees in a file of this video; undefined of what is no film. @throws SourceRejected */
  inspect(video: VideoId, source?: string): Promise<ProbeResult | undefined>;
  /** The work that makes a source playable that is not so as it is; undefined where nothing does. */
  planPlayableVersion(video: VideoId, look: ProbeResult, why?: Unplayable): Promise<NewJob | undefined>;
  /** A first rung beside a source that only some browsers play. */
  planFirstRendition(
    video: VideoId,
    look: ProbeResult,
    prepared: PreparedSource,
  ): Promise<NewJob | undefined>;
  /** The ladder beside a source that is published. */
  planLadder(
    video: VideoId,
    look: ProbeResult,
    standing: { readonly prepared: PreparedSource; readonly index: string; readonly source: string },
  ): Promise<NewJob | undefined>;
  /** The ladder above a first rung; `index` is that rung's. */
  planUpperLadder(video: VideoId, first: EncodePlan, index: string): Promise<NewJob | undefined>;
}

export function createConverter({ storage, tools, ladder }: ConverterDeps): Converter {
  async function look(video: VideoId, source = storage.sourceName): Promise<ProbeResult | undefined> {
    const path = await storage.fetch(video, source);
    const container = findContainer(sniff(await readHead(path)));
    return container && { container, probed: await probeMedia(tools, path, container) };
  }

  async function toInput(
    video: VideoId,
    { container, probed }: ProbeResult,
    source: string,
  ): Promise<EncodeInput> {
    const durationSeconds =
      probed.durationSeconds ?? (await measureSeconds(tools, await storage.fetch(video, source), container));
    return { video, source, container, probed, durationSeconds, ladder };
  }

  async function toStanding(
    video: VideoId,
    prepared: PreparedSource,
    index: string,
  ): Promise<ExistingRenditions> {
    return { prepared, index, boundaries: await readBoundaries(join(storage.directory(video), index)) };
  }

  return {
    inspect: look,
    async planPlayableVersion(video, found, { rejection, hasGaps = false, wrapped } = {}) {
      if (found.container.leadInSeconds === undefined) {
        return planWrap({ video, source: storage.sourceName, ladder, ...found });
      }
      const input = {
        ...(await toInput(video, found, wrapped ?? storage.sourceName)),
        hasGaps,
        isPassing: wrapped !== undefined,
      };
      const remux = rejection && planRemux(input, rejection.code);
      return remux ?? planFirstRendition(input);
    },
    async planFirstRendition(video, found, prepared) {
      const input = await toInput(video, found, storage.sourceName);
      return planFirstRendition(input, await toStanding(video, prepared, storage.indexName));
    },
    async planLadder(video, found, { prepared, index, source }) {
      const input = await toInput(video, found, source);
      return planLadder(input, await toStanding(video, prepared, index));
    },
    async planUpperLadder(video, first, index) {
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
    ...['-hide_banner', '-loglevel', 'error', '-nostdin', ...PROGRESS_ARGS, ...inputArgs(path, demuxer)],
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
