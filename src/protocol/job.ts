/** The conversions that the studio shows (`GET /api/jobs` of a site). */
import * as z from 'zod';
import { videoIdSchema } from './base/ids.ts';
import { timestampSchema } from './base/timestamp.ts';

export const siteJobSchema = z.strictObject({
  id: z.string(),
  video: videoIdSchema,
  videoName: z.string(),
  /**
   * `remux`: copy into another container. `first-rendition`: make the video playable. `ladder`: add renditions. `captions`: run the
   * speech program.
   */
  kind: z.enum(['remux', 'first-rendition', 'ladder', 'inspect', 'captions']),
  state: z.enum(['waiting', 'running', 'done', 'set-aside', 'cancelled']),
  /** Higher values run first. */
  priority: z.int(),
  /** From 0 to 1. */
  progress: z.number().min(0).max(1),
  /** Seconds of video that all workers together encode per second, while the job runs. */
  speed: z.number().positive().optional(),
  /** The estimated time until its end, while it runs or waits, if something is known of the speed. */
  leftMs: z.int().nonnegative().optional(),
  /** Its place among the jobs that wait: 1 for the next one. */
  position: z.int().positive().optional(),
  /** The number of workers that currently work on it. */
  workers: z.int().nonnegative(),
  /** The highest number of attempts of any of its steps. */
  attempts: z.int().nonnegative(),
  /** Why the job failed, or the error of its last attempt. */
  error: z.string().optional(),
  createdAt: timestampSchema,
  updatedAt: timestampSchema,
});
export type SiteJob = z.infer<typeof siteJobSchema>;

export const siteJobListSchema = z.strictObject({ jobs: z.array(siteJobSchema) });
export type SiteJobList = z.infer<typeof siteJobListSchema>;

/** `PATCH /api/jobs/{id}` */
export const siteJobEditSchema = z.strictObject({ priority: z.int().min(-100).max(100) });
