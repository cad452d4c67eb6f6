/**
 * The captions that the search knows: one compressed row per video and language. The index only holds their tokens; the moment of a
 * hit is found in the row when a page of hits is made.
 */
import { promisify } from 'node:util';
import { deflateRawSync, inflateRaw, inflateRawSync } from 'node:zlib';
import type { VideoId } from '../../../protocol/base/ids.ts';
import { foldText } from '../fold.ts';
import type { SearchedCaptions } from '../hits.ts';
import { LEVEL, tokenLexeme } from '../lexemes.ts';
import { addTokens, joinRuns } from '../tokens.ts';
import type { SearchDatabase } from './finder.ts';

export interface Cue {
  readonly startMs: number;
  readonly endMs: number;
  readonly text: string;
}

export interface CaptionsOfVideo {
  readonly video: VideoId;
  readonly revision: string;
  /** A BCP 47 tag. */
  readonly language: string;
  readonly cues: readonly Cue[];
}

/** Longer captions are cut: these are a day of fast talk. */
const MAX_CUES = 40_000;
const MAX_CUE_UNITS = 1_000;
const MAX_TOKENS = 60_000;
const MAX_BYTES = 64 * 1_048_576;

const inflate = promisify(inflateRaw);

/** Replaces the captions of a video in one language; without cues, removes them. The caller writes the document afterwards. */
export async function writeCaptions(
  db: SearchDatabase,
  { video, revision, language, cues }: CaptionsOfVideo,
): Promise<void> {
  const kept = cues
    .slice(0, MAX_CUES)
    .map(({ startMs, text }) => [Math.round(startMs), text.slice(0, MAX_CUE_UNITS)] as const)
    .filter(([, text]) => text.trim() !== '');
  if (kept.length === 0) {
    await db
      .deleteFrom('search_captions')
      .where('video_id', '=', video)
      .where('language', '=', language)
      .execute();
    return;
  }
  const tokens = new Set<string>();
  const folded = kept.map(([, text]) => foldText(text));
  for (const text of folded) if (tokens.size < MAX_TOKENS) addTokens(text, tokens);
  const joined = folded.map(joinRuns).join('\n');
  const row = {
    revision,
    cues: deflateRawSync(JSON.stringify({ cues: kept, joined })),
    tokens: deflateRawSync([...tokens].join(' ')),
  };
  await db
    .insertInto('search_captions')
    .values({ video_id: video, language, ...row })
    .onConflict(conflict => conflict.columns(['video_id', 'language']).doUpdateSet(row))
    .execute();
}

export async function deleteCaptions(db: SearchDatabase, videos: readonly VideoId[]): Promise<void> {
  if (videos.length > 0) await db.deleteFrom('search_captions').where('video_id', 'in', videos).execute();
}

/** The lexemes of all captions of these videos. */
export async function readCaptionLexemes(
  db: SearchDatabase,
  videos: readonly VideoId[],
): Promise<ReadonlyMap<VideoId, string[]>> {
  if (videos.length === 0) return new Map();
  const rows = await db
    .selectFrom('search_captions')
    .select(['video_id', 'tokens'])
    .where('video_id', 'in', videos)
    .execute();
  const lexemes = new Map<VideoId, string[]>();
  for (const { video_id, tokens } of rows) {
    const list = inflateRawSync(tokens, { maxOutputLength: MAX_BYTES }).toString().split(' ');
    lexemes.set(video_id, [
      ...(lexemes.get(video_id) ?? []),
      ...list.map(token => tokenLexeme(LEVEL.captions, token)),
    ]);
  }
  return lexemes;
}

/** The captions of these videos, by video, by language. */
export async function readCaptions(
  db: SearchDatabase,
  videos: readonly VideoId[],
): Promise<ReadonlyMap<VideoId, SearchedCaptions[]>> {
  if (videos.length === 0) return new Map();
  const rows = await db
    .selectFrom('search_captions')
    .select(['video_id', 'language', 'cues'])
    .where('video_id', 'in', videos)
    .orderBy('language')
    .execute();
  const captions = new Map<VideoId, SearchedCaptions[]>();
  for (const { video_id, language, cues } of rows) {
    const text = (await inflate(cues, { maxOutputLength: MAX_BYTES })).toString();
    captions.set(video_id, [
      ...(captions.get(video_id) ?? []),
      { language, ...(JSON.parse(text) as Pick<SearchedCaptions, 'cues' | 'joined'>) },
    ]);
  }
  return captions;
}
