/** Fetches the captions of one video from its site, and stores them for the search. It asks only for what central does not have. */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Problem, problem } from '../../kernel/problem.ts';
import { MAX_CAPTION_TEXT_CHARACTERS } from '../../protocol/base/limits.ts';
import { deliveredCuesSchema } from '../../protocol/publication/gateway.ts';
import {
  type CaptionTask,
  type CurrentCaptions,
  dropCaptions,
  type FetchedCaptions,
  findCurrentCaptions,
  listTags,
  saveCaptions,
} from '../database/captions/tasks.ts';
import type { CentralDatabase } from '../database/schema.ts';
import { findMember } from '../database/sites.ts';
import type { CaptionsReader, OpenGateway } from '../site-reader/site-reader.ts';

/** A character has at most 6 bytes in JSON with escapes, and each cue has its times. */
const MAX_UNPACKED_BYTES = 8 * MAX_CAPTION_TEXT_CHARACTERS;
const decompress = promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip);

export interface FetchDeps {
  readonly db: CentralDatabase;
  readonly openGateway: OpenGateway;
}

/** @throws Problem `peer-…` if the site cannot be reached, or its response is invalid */
export async function fetchCaptions(
  { db, openGateway }: FetchDeps,
  task: CaptionTask,
  abort: AbortSignal,
): Promise<void> {
  const { video } = task;
  const current = await findCurrentCaptions(db, video);
  const known = await listTags(db, video);
  const gone = [...known.keys()].filter(language => !current?.languages.includes(language));
  await dropCaptions(db, video, current?.revision ?? '', gone);
  if (!current) return;
  const member = await findMember(db, current.site);
  if (!member) return;
  const reader = openGateway(member);
  for (const language of current.languages) {
    const fetched = await fetchLanguage(
      reader,
      { current, task, language, known: known.get(language) },
      abort,
    );
    if (fetched) await saveCaptions(db, fetched, task);
  }
}

interface LanguageQuery {
  readonly current: CurrentCaptions;
  readonly task: CaptionTask;
  readonly language: string;
  readonly known: string | undefined;
}

/** Returns undefined if central has these captions, or the site does not have them any more, which a later record will say. */
async function fetchLanguage(
  reader: CaptionsReader,
  { current: { revision }, task: { video }, language, known }: LanguageQuery,
  abort: AbortSignal,
): Promise<FetchedCaptions | undefined> {
  try {
    const { tag, cues } = await reader.readCaptions({ video, revision, language, known }, abort);
    return cues === undefined ? undefined : { video, revision, language, tag, cues: await unpack(cues) };
  } catch (error) {
    if (error instanceof Problem && error.code === 'captions-unknown') return undefined;
    throw error;
  }
}

async function unpack(packed: string): Promise<FetchedCaptions['cues']> {
  try {
    const bytes = await decompress(Buffer.from(packed, 'base64'), { maxOutputLength: MAX_UNPACKED_BYTES });
    const rows = deliveredCuesSchema.parse(JSON.parse(bytes.toString('utf8')));
    return rows.map(([startMs, endMs, text]) => ({ startMs, endMs, text }));
  } catch (cause) {
    throw problem('peer-malformed', 'The site sent captions that cannot be unpacked.', { cause });
  }
}
