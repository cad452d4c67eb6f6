/** Follows the lists of series and fields at central, and keeps them for the time without a connection. */
import { memberLoop } from '../../kernel/lifecycle/member-loop.ts';
import type { Repeating } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import type { CentralClient } from '../../kernel/membership/central-client.ts';
import { centralListsSchema } from '../../protocol/catalogue/central-lists.ts';
import { type KnownLists, readCentralLists, writeCentralLists } from '../database/central-lists.ts';
import type { SiteDatabase } from '../database/tables/videos.ts';

const RETRY_MS = 10_000;
const WAIT_S = 25;
const MAX_BYTES = 16 * 2 ** 20;

export interface KeptLists {
  /** Undefined before central has been reached once. */
  current(): KnownLists | undefined;
  follow(central: () => CentralClient | undefined, log: Log): Repeating;
}

export async function openCentralLists(db: SiteDatabase): Promise<KeptLists> {
  let known = await readCentralLists(db);
  return {
    current: () => known,
    follow: (central, log) =>
      memberLoop(
        { name: 'reading series and fields', peer: central, everyMs: RETRY_MS, log, level: 'debug' },
        async (peer, abort) => {
          const query = new URLSearchParams({
            wait: String(WAIT_S),
            ...(known === undefined ? {} : { known: known.version }),
          });
          const { version, series, fields } = await peer.call(
            `/api/lists?${query}`,
            { waitS: WAIT_S, maxBytes: MAX_BYTES, response: centralListsSchema },
            abort,
          );
          if (series && fields) {
            const lists = { version, series, fields };
            await writeCentralLists(db, lists);
            known = lists;
          }
          return 0;
        },
      ),
  };
}
