/** The captions of videos that central has fetched from sites, for the search. */
import { type CaptionsOfVideo, writeCaptions } from '../../../kernel/search/database/captions.ts';
import { searchTables } from '../../../kernel/search/database/tables.ts';
import type { CentralTransaction } from '../schema.ts';
import { indexVideos } from './index-videos.ts';

/**
 * Replaces the captions of a video in one language, and indexes them. Without cues, the video has none in this language any more. The
 * captions of a video that is not listed are not kept.
 */
export async function storeCaptions(tx: CentralTransaction, captions: CaptionsOfVideo): Promise<void> {
  await writeCaptions(searchTables(tx), captions);
  await indexVideos(tx, [captions.video]);
}
