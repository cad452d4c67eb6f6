/** Asks central which published records a tracker has registered. The registration completes a publication. */
import { failpoint } from '../../kernel/failpoint.ts';
import { memberLoop } from '../../kernel/lifecycle/member-loop.ts';
import type { Repeating } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { listUnregistered, markRegistered } from '../database/publication/records.ts';
import type { SiteDatabase } from '../database/tables/videos.ts';
import type { Central } from './central-client.ts';

const QUERY_PAGE = 500;
/** A new record is queried often, an old one seldom: the delay is a tenth of its age, within these limits. */
const MIN_DELAY_MS = 200;
const MAX_DELAY_MS = 10_000;
const RETRY_MS = 1_000;

export interface RegistrationDeps {
  readonly db: SiteDatabase;
  readonly central: () => Pick<Central, 'listRegistered'> | undefined;
  readonly log: Log;
}

export function startRegistrationWatch({ db, central, log }: RegistrationDeps): Repeating {
  return memberLoop(
    {
      name: 'reading registrations',
      peer: central,
      everyMs: MAX_DELAY_MS,
      retryMs: RETRY_MS,
      log,
      level: 'debug',
    },
    async (peer, abort) => {
      const rows = await listUnregistered(db, QUERY_PAGE);
      if (rows.length === 0) return MAX_DELAY_MS;
      const registered = await peer.listRegistered(
        rows.map(row => row.video_id),
        abort,
      );
      if (registered.length > 0) failpoint('registrations-received');
      for (const { video, version } of registered) await markRegistered(db, video, version);
      if (registered.length > 0) failpoint('registrations-marked');
      const youngest = Math.max(...rows.map(row => Date.parse(row.written_at)));
      return Math.min(MAX_DELAY_MS, Math.max(MIN_DELAY_MS, (Date.now() - youngest) / 10));
    },
  );
}
