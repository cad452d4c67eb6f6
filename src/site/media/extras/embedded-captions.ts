/** Text subtitles inside a source, taken out by ffmpeg and written anew as plain cues. Pictures of text stay where they are. */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { MAX_CAPTION_TRACKS } from '../../../protocol/limits.ts';
import { trackNameSchema } from '../../../protocol/media/media.ts';
import { languageSchema } from '../../../protocol/text.ts';
import { convert, type MediaInput, type MediaTools, probe } from '../ffmpeg/ffmpeg.ts';
import { FfmpegFailed } from '../ffmpeg/run.ts';
import { CaptionsRejected, type Cue, parseCaptions } from './cues.ts';

const TEXT_CODECS = new Set(['mov_text', 'subrip', 'srt', 'ass', 'ssa', 'webvtt', 'text']);

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

export interface FoundCaptions {
  readonly cues: readonly Cue[];
  readonly language: string | undefined;
  readonly name: string | undefined;
}

/** @param directory to work in; left as it was */
export async function extractCaptions(
  tools: MediaTools,
  input: Pick<MediaInput, 'path' | 'demuxer'>,
  directory: string,
  signal?: AbortSignal,
): Promise<readonly FoundCaptions[]> {
  const shown = await probe(tools, input, [
    '-show_entries',
    'stream=index,codec_type,codec_name:stream_tags=language,title',
  ]);
  const streams = streamsSchema
    .parse(shown)
    .streams.filter(
      ({ codec_type, codec_name = '' }) => codec_type === 'subtitle' && TEXT_CODECS.has(codec_name),
    )
    .slice(0, MAX_CAPTION_TRACKS);
  const found: FoundCaptions[] = [];
  for (const { index, tags = {} } of streams) {
    const work = join(directory, `captions-${index}`);
    await mkdir(work);
    try {
      await convert(tools, {
        inputs: [input],
        directory: work,
        outputs: [
          { name: 'captions.vtt', options: ['-map', `0:${index}`, '-c:s', 'webvtt', '-f', 'webvtt'] },
        ],
        ...(signal ? { abort: signal } : {}),
      });
      const language = parseLanguage(tags.language);
      found.push({
        cues: parseCaptions(await readFile(join(work, 'captions.vtt')), language),
        language,
        name: trackNameSchema.safeParse(tags.title).data,
      });
    } catch (error) {
      // A track without words, or with unreadable ones, is left out: the film is worth more than its captions.
      const isOfTheFile = error instanceof CaptionsRejected || error instanceof FfmpegFailed;
      if (!isOfTheFile || (error instanceof FfmpegFailed && error.fault === 'unavailable')) throw error;
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  return found;
}

/** ISO 639-2 as containers hold it → the shortest BCP 47 tag. */
function parseLanguage(tag: unknown): string | undefined {
  if (typeof tag !== 'string' || tag === 'und' || tag === '') return undefined;
  try {
    return languageSchema.safeParse(Intl.getCanonicalLocales(tag)[0]).data;
  } catch {
    return undefined;
  }
}
