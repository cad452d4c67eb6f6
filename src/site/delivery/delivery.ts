/** The entry file of `delivery/`: the buffer, its uplink budget, and the verified fetches that copies need. */
export { type BufferOptions, type BufferStats, createStreamBuffer, type StreamBuffer } from './buffer.ts';
export { DayBudget } from './egress/day-budget.ts';
export { isWithin, parseDayWindow } from './egress/day-windows.ts';
export { createEgress } from './egress/egress.ts';
export {
  fetchUpstreams,
  type UpstreamResponse,
  upstreamResponseSchema,
} from './fill/upstreams.ts';
export {
  createVerifiedFetcher,
  MAX_VERIFIED_FETCHES,
  type VerifiedFetcher,
  type VerifiedFile,
  type VerifiedHead,
} from './fill/verified-fetcher.ts';
export { isMediaUrl, type MediaFile, parseMediaFile } from './http/media-file.ts';
export type { BufferRights } from './respond/buffer-rights.ts';
