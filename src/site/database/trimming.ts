/**
 * The marks of a trimmed video, and what restores the untrimmed one. `prepared` and the current revision of the video describe what
 * is between the marks.
 */
import * as z from 'zod';
import { renditionSchema } from '../../protocol/media/media.ts';
import type { VideoRow } from './tables/schema.ts';

const trimSchema = z.strictObject({
  /** On the timeline of the untrimmed video. */
  startSeconds: z.number().nonnegative(),
  endSeconds: z.number().positive(),
  /** The untrimmed video. */
  indexes: z.array(z.string().min(1)).min(1),
  renditions: z.array(renditionSchema),
  durationMs: z.int().positive(),
  poster: z.string().optional(),
  /** The untrimmed captions, by the file that took the place of each. */
  captions: z.record(z.string(), z.string()),
  chapters: z.array(z.object({ startMs: z.int().nonnegative(), title: z.string() })),
});
export type Trim = z.infer<typeof trimSchema>;

/** Undefined for a video that is not trimmed. */
export const parseTrim = ({ trim }: Pick<VideoRow, 'trim'>): Trim | undefined =>
  trim === null ? undefined : trimSchema.parse(JSON.parse(trim));
