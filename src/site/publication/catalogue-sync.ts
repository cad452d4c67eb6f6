/**
 * Copies the names of the buffered videos of other sites from the catalogue, so that the library of this site finds them
 * while central is unavailable.
 */
import { memberLoop } from '../../kernel/lifecycle/member-loop.ts';
import type { Repeating } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import { deleteCatalogueEntry, listUnsynced, writeCatalogueEntry } from '../database/library.ts';
import type { SiteDatabase } from '../database/tables/videos.ts';
import type { Central } from './central-client.ts';

const EVERY_MS = 10_000;
/** Names and revisions change, so an entry is read again after this time. */
const STALE_MS = 3_600_000;
const MAX_BUFFERED = 500;
const MAX_READ_PER_RUN = 20;

export interface CatalogueSyncDeps {
  readonly db: SiteDatabase;
  readonly central: () => Pick<Central, 'findCatalogueEntry'> | undefined;
  /** The videos of which the buffer holds something. Private ones must not be among them. */
  readonly buffered: () => ReadonlySet<VideoId>;
  readonly log: Log;
}

export function startCatalogueSync({ db, central, buffered, log }: CatalogueSyncDeps): Repeating {
  return memberLoop(
    { name: 'reading names from the catalogue', peer: central, everyMs: EVERY_MS, log, level: 'debug' },
    async (peer, abort) => {
      const candidates = [...buffered()].slice(0, MAX_BUFFERED);
      const unsynced = await listUnsynced(db, candidates, Date.now() - STALE_MS);
      for (const video of unsynced.slice(0, MAX_READ_PER_RUN)) {
        const entry = await peer.findCatalogueEntry(video, abort);
        if (!entry) await deleteCatalogueEntry(db, video);
        else {
          await writeCatalogueEntry(db, {
            video_id: video,
            revision: entry.revision,
            name: entry.name,
            description: entry.description,
            duration_ms: entry.durationMs,
            pictures: entry.pictures ? JSON.stringify(entry.pictures) : null,
            synced_ms: Date.now(),
          });
        }
      }
      return undefined;
    },
  );
}
