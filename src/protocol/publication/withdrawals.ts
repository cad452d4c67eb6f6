/** How a withdrawal reaches every site, and how the operator sees that it has. */
import * as z from 'zod';
import { siteIdSchema, videoIdSchema } from '../ids.ts';
import { timestampSchema } from './record.ts';

export const MAX_WITHDRAWAL_PAGE_ROWS = 1_000;

/**
 * `GET /api/withdrawals/feed?after=N&wait=` (site, signed): what was withdrawn since position N, anywhere, oldest first. Asking
 * for what follows N says that everything up to N has been carried out. With `wait` (seconds, at most 25) and nothing to
 * tell, the answer comes as soon as there is something.
 */
export const withdrawalFeedSchema = z.strictObject({
  videos: z.array(videoIdSchema).max(MAX_WITHDRAWAL_PAGE_ROWS),
  /** Ask for what follows this next. Lower than what was asked for where central was restored from a backup. */
  position: z.int().nonnegative(),
});
export type WithdrawalFeed = z.infer<typeof withdrawalFeedSchema>;

/** `GET /api/withdrawals` (admin): newest first. */
export const withdrawalSchema = z.strictObject({
  video: videoIdSchema,
  /** Its last name, where the centre knew it. */
  name: z.string(),
  site: z.strictObject({ id: siteIdSchema, name: z.string() }),
  withdrawnAt: timestampSchema,
  /** Sites that have dropped whatever they held of it, of all that have joined. */
  confirmed: z.int().nonnegative(),
  sites: z.int().nonnegative(),
  /** Those that have not yet, and when they last asked; never, where that is missing. */
  waitingFor: z.array(
    z.strictObject({ id: siteIdSchema, name: z.string(), lastSeenAt: timestampSchema.optional() }),
  ),
});
export type Withdrawal = z.infer<typeof withdrawalSchema>;
export const withdrawalListSchema = z.strictObject({ withdrawals: z.array(withdrawalSchema) });
