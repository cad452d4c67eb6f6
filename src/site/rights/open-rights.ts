/** The rights of a site with a database, which says which private videos the site holds in full. */
import type { Log } from '../../kernel/log.ts';
import { RightsState } from '../../kernel/rights/rights-state.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import { isHeldPrivate, listPrivate } from '../database/tables/private-videos.ts';
import type { SiteDatabase } from '../database/tables/videos.ts';
import { createSiteRights, type SiteRights } from './site-rights.ts';

export interface OpenedRights {
  readonly state: RightsState;
  readonly rights: SiteRights;
  /** The time of which the rights of own videos and copies were read. */
  readonly asOfMs: number;
  /** Reads again from the database whether these videos are private. Resolves after the file of rights has been written. */
  readonly markStored: (videos: readonly VideoId[]) => Promise<void>;
}

/** @throws if the file at `path` is unreadable, because a site that does not know the rights must not serve */
export async function openRights(path: string, db: SiteDatabase, log: Log): Promise<OpenedRights> {
  const state = RightsState.open(path);
  // An earlier stop may have interrupted a change, so the file is brought in line with the database.
  const asOfMs = Date.now();
  state.markOwn(await listPrivate(db));
  await state.save();
  return {
    state,
    rights: createSiteRights(state, log),
    asOfMs,
    async markStored(videos) {
      if (videos.length === 0) return;
      for (const video of videos) state.mark('own', video, await isHeldPrivate(db, video));
      await state.save();
    },
  };
}
