/** Rights at a site that has a database: what it holds whole, and is private, stands there. */
import type { Log } from '../../kernel/log.ts';
import { RightsState } from '../../kernel/rights/rights-state.ts';
import type { VideoId } from '../../protocol/ids.ts';
import { isHeldPrivate, listPrivate } from '../database/private-videos.ts';
import type { SiteDatabase } from '../database/videos.ts';
import { createSiteRights, type SiteRights } from './site-rights.ts';

export interface OpenedRights {
  readonly state: RightsState;
  readonly rights: SiteRights;
  /** What is held of these videos, or what is said of them, has changed. Once it resolves, that is in the book's file too. */
  readonly markStored: (videos: readonly VideoId[]) => Promise<void>;
}

/** @throws if `path` cannot be read: who knows no rights serves nobody */
export async function openRights(path: string, db: SiteDatabase, log: Log): Promise<OpenedRights> {
  const book = RightsState.open(path);
  // All at once: what was cut short by a stop is put right.
  book.markOwn(await listPrivate(db));
  await book.save();
  return {
    state: book,
    rights: createSiteRights(book, log),
    async markStored(videos) {
      for (const video of videos) book.mark('own', video, await isHeldPrivate(db, video));
      await book.save();
    },
  };
}
