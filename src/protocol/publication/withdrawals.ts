/** How every site learns of a withdrawal, and how the operator sees which sites have carried it out. */
import * as z from 'zod';
import { siteIdSchema, videoIdSchema } from '../base/ids.ts';
import { timestampSchema } from '../base/timestamp.ts';

export const MAX_WITHDRAWAL_PAGE_ROWS = 1_000;

/**
 * `GET /api/withdrawals/feed?after=N&wait=` (site, signed): the videos that any site has withdrawn since position N, oldest
 * first. A request after N confirms that everything up to N has been carried out. With `wait` (seconds, at most 25), central
 * responds as soon as there is a withdrawal.
 */
export const withdrawalFeedSchema = z.object({
  videos: z.array(videoIdSchema).max(MAX_WITHDRAWAL_PAGE_ROWS),
  /** The `after` of the next request. It is lower than the previous one if central was restored from a backup. */
  position: z.int().nonnegative(),
});
export type WithdrawalFeed = z.infer<typeof withdrawalFeedSchema>;

/** `GET /api/withdrawals` (admin): newest first. */
export const withdrawalSchema = z.object({
  video: videoIdSchema,
  /** The last name that central knew; empty if none. */
  name: z.string(),
  site: z.object({ id: siteIdSchema, name: z.string() }),
  withdrawnAt: timestampSchema,
  /** Number of joined sites (`sites`) that have deleted everything they held of the video (`confirmed`). */
  confirmed: z.int().nonnegative(),
  sites: z.int().nonnegative(),
  /** The other sites, and when each last read the feed; absent if it never has. */
  waitingFor: z.array(
    z.object({ id: siteIdSchema, name: z.string(), lastSeenAt: timestampSchema.optional() }),
  ),
});
export type Withdrawal = z.infer<typeof withdrawalSchema>;
export const withdrawalListSchema = z.object({ withdrawals: z.array(withdrawalSchema) });
