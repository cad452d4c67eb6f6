/** Tells central which sites are up: when that changes, and every ten seconds. Nothing waits for it, and nothing depends on it. */
import { z } from 'zod';
import { call, type Signer } from '../kernel/client.ts';
import type { Log } from '../kernel/log.ts';
import { messageOf } from '../kernel/problem.ts';
import { type Repeating, repeat } from '../kernel/timing.ts';
import type { SiteId } from '../protocol/ids.ts';

const EVERY_MS = 10_000;
const TIMEOUT_MS = 3_000;
const MAX_ANSWER_BYTES = 64 * 1024;
/** Keeps a report below central's limit for a body. */
const SITES_A_REPORT = 500;

export interface SiteReport {
  readonly site: SiteId;
  readonly up: boolean;
}

export function startSiteReports(
  central: string,
  signer: () => Signer | undefined,
  list: () => readonly SiteReport[],
  log: Log,
): Repeating {
  return repeat(async signal => {
    const signedBy = signer();
    const sites = list();
    try {
      for (let from = 0; signedBy && from < sites.length; from += SITES_A_REPORT) {
        await call(`${central}/api/site-states`, {
          method: 'POST',
          body: { sites: sites.slice(from, from + SITES_A_REPORT) },
          signer: signedBy,
          signal,
          timeoutMs: TIMEOUT_MS,
          maxBytes: MAX_ANSWER_BYTES,
          answer: z.unknown(),
        });
      }
    } catch (error) {
      log.debug({ reason: messageOf(error) }, 'central was not told of the sites');
    }
    return EVERY_MS;
  });
}
