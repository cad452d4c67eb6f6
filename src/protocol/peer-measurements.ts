/**
 * `POST /api/peer-measurements` (tracker, signed): a tracker sends the measurements that its viewers reported since its last
 * request, and receives those of the other trackers, so that a viewer can use any tracker. The response also carries the key
 * that signs session ids, so that every tracker can verify them.
 */
import * as z from 'zod';
import { siteIdSchema } from './base/ids.ts';

export const MAX_SUMMARIES = 500;

/** What the viewers of one network prefix measured of one site. */
export const measurementSummarySchema = z.object({
  prefix: z.string().regex(/^[0-9a-f.:]{2,43}\/\d{1,3}$/),
  widerNetwork: z.string().min(1).max(64),
  site: siteIdSchema,
  bps: z.number().positive().max(1e12).optional(),
  rttMs: z.number().nonnegative().max(60_000).optional(),
  weight: z.number().min(0).max(1),
  ageMs: z.number().nonnegative().max(86_400_000),
  /** Time since a viewer of this network last failed at the site. Absent if none has failed recently. */
  failedAgoMs: z.number().nonnegative().max(86_400_000).optional(),
  /** Number of viewers who reported. */
  reporters: z.int().min(1).max(100).optional(),
});

export const peerMeasurementsRequestSchema = z.object({
  /** `after` of the previous response; empty in the first request. */
  after: z.string().max(64),
  summaries: z.array(measurementSummarySchema).max(MAX_SUMMARIES),
});
export type PeerMeasurementsRequest = z.infer<typeof peerMeasurementsRequestSchema>;

export const peerMeasurementsResponseSchema = z.object({
  after: z.string(),
  /** More measurements are waiting: the tracker requests again at once. */
  more: z.boolean(),
  peers: z.array(
    z.object({
      tracker: z.string().max(64),
      /** Time since that tracker sent these summaries. */
      ageMs: z.number().nonnegative(),
      summaries: z.array(measurementSummarySchema).max(MAX_SUMMARIES),
    }),
  ),
  /** 32 bytes in base64url. */
  sessionKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});
export type PeerMeasurementsResponse = z.infer<typeof peerMeasurementsResponseSchema>;
