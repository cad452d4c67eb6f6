/** Extracts the text subtitles of a source with ffmpeg, as plain cues. Subtitles that are images are ignored. */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { MAX_CAPTION_TRACKS } from '../../../../protocol/base/limits.ts';
import { givenTrackNameSchema } from '../../../../protocol/media/media.ts';
import {
  type Args,
  convert,
  isFaultOfFile,
  type MediaInput,
  type MediaTools,
  probe,
  toLanguageTag,
} from '../../ffmpeg/ffmpeg.ts';
import { CaptionsRejected, type Cue, parseCaptions } from './cues.ts';

/**
 * How each codec is written to a file that `parseCaptions` reads. Copying keeps the places and speakers of cues, which ffmpeg does not
 * convert to WebVTT. It converts the styles of QuickTime text to SubStation Alpha only.
 */
const OUTPUTS: ReadonlyMap<string, Args> = new Map([
  ['ass', ['-c:s', 'copy', '-f', 'ass']],
  ['ssa', ['-c:s', 'copy', '-f', 'ass']],
  ['mov_text', ['-c:s', 'ass', '-f', 'ass']],
  ['subrip', ['-c:s', 'copy', '-f', 'srt']],
  ['srt', ['-c:s', 'copy', '-f', 'srt']],
  ['text', ['-c:s', 'srt', '-f', 'srt']],
  ['webvtt', ['-c:s', 'copy', '-f', 'webvtt']],
]);

const streamsSchema = z.object({
  streams: z
    .array(
      z.object({
        index: z.int().nonnegative(),
        codec_type: z.string().optional(),
        codec_name: z.string().optional(),
        tags: z.record(z.string(), z.unknown()).optional(),
      }),
    )
    .default([]),
});

interface FoundCaptions {
  readonly cues: readonly Cue[];
  readonly language: string | undefined;
  readonly name: string | undefined;
}

interface ExtractOptions {
  /** For temporary files; unchanged afterwards. */
  readonly directory: string;
  /** Time on the clock of the source at which the served video begins. */
  readonly originSeconds: number;
  readonly abort?: AbortSignal | undefined;
}

/**
 * The times of the cues count from the beginning of the served video.
 *
 * @throws isFaultOfFile if ffprobe fails, or ffmpeg cannot be started
 */
export async function extractCaptions(
  tools: MediaTools,
  input: Pick<MediaInput, 'path' | 'demuxer'>,
  { directory, originSeconds, abort }: ExtractOptions,
): Promise<readonly FoundCaptions[]> {
  const output = await probe(tools, input, [
    '-show_entries',
    'stream=index,codec_type,codec_name:stream_tags=language,title',
  ]);
  const streams = streamsSchema
    .parse(output)
    .streams.filter(({ codec_type, codec_name = '' }) => codec_type === 'subtitle' && OUTPUTS.has(codec_name))
    .slice(0, MAX_CAPTION_TRACKS);
  const found: FoundCaptions[] = [];
  for (const { index, codec_name = '', tags = {} } of streams) {
    const work = join(directory, `captions-${index}`);
    await mkdir(work);
    try {
      await convert(tools, {
        inputs: [input],
        // The clock of the source is kept: ffmpeg would take the earliest stream of any kind for the beginning.
        options: ['-copyts'],
        directory: work,
        outputs: [
          { name: 'captions.txt', options: ['-map', `0:${index}`, ...(OUTPUTS.get(codec_name) ?? [])] },
        ],
        abort,
      });
      const language = toLanguageTag(tags.language);
      found.push({
        cues: moveCues(parseCaptions(await readFile(join(work, 'captions.txt')), language), originSeconds),
        language,
        name: givenTrackNameSchema.safeParse(tags.title).data,
      });
    } catch (error) {
      // A track that is empty or unreadable is left out: the video is worth more than its captions.
      if (!(error instanceof CaptionsRejected) && !isFaultOfFile(error)) throw error;
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  return found;
}

/** Cues that end before the beginning are left out. */
const moveCues = (cues: readonly Cue[], originSeconds: number): readonly Cue[] =>
  cues
    .map(cue => ({
      ...cue,
      startMs: Math.max(0, cue.startMs - Math.round(originSeconds * 1_000)),
      endMs: cue.endMs - Math.round(originSeconds * 1_000),
    }))
    .filter(({ endMs }) => endMs > 0);
