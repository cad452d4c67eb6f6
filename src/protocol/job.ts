/** What the studio shows of a site's conversions (`GET /api/jobs` of a site). */
import * as z from 'zod';
import { videoIdSchema } from './ids.ts';
import { timestampSchema } from './publication/record.ts';

export const siteJobSchema = z.strictObject({
  id: z.string(),
  video: videoIdSchema,
  videoName: z.string(),
  /** Copied into another container; the first rung of what could not be played; further rungs. */
  kind: z.enum(['remux', 'first-rendition', 'ladder', 'inspect']),
  state: z.enum(['waiting', 'running', 'done', 'set-aside', 'cancelled']),
  /** The greater goes first. */
  priority: z.int(),
  /** 0–1 */
  progress: z.number().min(0).max(1),
  /** Film time per time on the clock, of all workers together; while it runs. */
  speed: z.number().positive().optional(),
  /** Estimated; while it runs. */
  leftMs: z.int().nonnegative().optional(),
  /** Workers that are on it now. */
  workers: z.int().nonnegative(),
  /** Most often that one of its steps was begun. */
  attempts: z.int().nonnegative(),
  /** Why it was set aside, or what went wrong in the last attempt. */
  error: z.string().optional(),
  createdAt: timestampSchema,
  updatedAt: timestampSchema,
});
export type SiteJob = z.infer<typeof siteJobSchema>;

export const siteJobListSchema = z.strictObject({ jobs: z.array(siteJobSchema) });

/** `PATCH /api/jobs/{id}` */
export const siteJobEditSchema = z.strictObject({ priority: z.int().min(-100).max(100) });
