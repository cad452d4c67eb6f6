/** Reads the published captions of a video as plain text, for the search. Drafts are not published, so they are never read here. */
import { createHash } from 'node:crypto';
import { MAX_CAPTION_TEXT_CHARACTERS } from '../../../../protocol/base/limits.ts';
import { UNDETERMINED_LANGUAGE } from '../../../../protocol/publication/gateway.ts';
import type { CaptionsTrack, Extras } from '../../../database/extras.ts';
import { type OpenFile, readSmallFile } from '../../storage/storage.ts';
import { plainTextOf } from './cue-text.ts';
import { parseCues } from './cues.ts';

export interface PlainCue {
  readonly startMs: number;
  readonly endMs: number;
  readonly text: string;
}

/** All tracks of one language. */
export interface PlainCaptions {
  /** A BCP 47 tag; `und` if nobody has said which language it is. */
  readonly language: string;
  /** In the order of their times. */
  readonly cues: readonly PlainCue[];
}

const languageOf = ({ rendition }: CaptionsTrack): string => rendition.language ?? UNDETERMINED_LANGUAGE;

/** @param open opens a file in the directory of the video */
export async function readPublishedCues(
  open: OpenFile,
  { captions }: Pick<Extras, 'captions'>,
): Promise<readonly PlainCaptions[]> {
  const found: PlainCaptions[] = [];
  for (const language of new Set(captions.map(languageOf))) {
    found.push({ language, cues: await readCuesOf(open, captions, language) });
  }
  return found;
}

/** The cues of one language, up to `MAX_CAPTION_TEXT_CHARACTERS`. */
export async function readCuesOf(
  open: OpenFile,
  captions: readonly CaptionsTrack[],
  language: string,
): Promise<readonly PlainCue[]> {
  const cues: PlainCue[] = [];
  let characters = 0;
  for (const track of captions.filter(each => languageOf(each) === language)) {
    for (const { startMs, endMs, text } of parseCues(await readSmallFile(open, track.file))) {
      const plain = plainTextOf(text);
      characters += plain.length;
      if (characters > MAX_CAPTION_TEXT_CHARACTERS) break;
      if (plain !== '') cues.push({ startMs, endMs, text: plain });
    }
  }
  return cues.sort((a, b) => a.startMs - b.startMs || a.endMs - b.endMs);
}

/**
 * Names the content of the tracks of one language: files never change, and each new content has a new file.
 *
 * @returns undefined if there is no track in this language
 */
export function tagOf(captions: readonly CaptionsTrack[], language: string): string | undefined {
  const files = captions.filter(track => languageOf(track) === language).map(({ file }) => file);
  if (files.length === 0) return undefined;
  return createHash('sha256').update(files.join('\n')).digest('hex').slice(0, 32);
}
