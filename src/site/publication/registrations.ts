/** Asks central which of the published records a tracker has registered: that completes their publication. */
import { failpoint } from '../../kernel/failpoint.ts';
import { type Repeating, repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import { listUnregistered, markRegistered } from '../database/records.ts';
import type { SiteDatabase } from '../database/videos.ts';
import type { CentralCalls } from './central-client.ts';

const QUERY_PAGE = 500;
/** A fresh record is asked after often, an old one seldom. */
const QUERY_FIRST_MS = 200;
const QUERY_LAST_MS = 10_000;
/** After a question that was not answered, while something is to be asked. */
const QUERY_AGAIN_MS = 1_000;

export interface RegistrationDeps {
  readonly db: SiteDatabase;
  readonly calls: CentralCalls;
  readonly log: Log;
}

export function startRegistrationWatch({ db, calls, log }: RegistrationDeps): Repeating {
  return repeat(async signal => {
    if (calls.site() === undefined) return QUERY_LAST_MS;
    try {
      const rows = await listUnregistered(db, QUERY_PAGE);
      if (rows.length === 0) return QUERY_LAST_MS;
      const registered = await calls.listRegistered(
        rows.map(row => row.video_id),
        signal,
      );
      if (registered.length > 0) failpoint('registrations-received');
      for (const { video, version } of registered) await markRegistered(db, video, version);
      if (registered.length > 0) failpoint('registrations-marked');
      const youngest = Math.max(...rows.map(row => Date.parse(row.written_at)));
      return Math.min(QUERY_LAST_MS, Math.max(QUERY_FIRST_MS, (Date.now() - youngest) / 10));
    } catch (error) {
      if (!signal.aborted) log.debug({ reason: messageOf(error) }, 'registrations not read');
      return QUERY_AGAIN_MS;
    }
  });
}
