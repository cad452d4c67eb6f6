/** Central's calls for trackers, typed. */
import * as z from 'zod';
import { type CentralClient, centralClientOf } from '../../kernel/membership/central-client.ts';
import type { MemberIdentity } from '../../kernel/membership/member.ts';
import type { SiteId } from '../../protocol/base/ids.ts';
import { type ChangePage, changePageSchema } from '../../protocol/central.ts';
import {
  type PeerMeasurementsRequest,
  type PeerMeasurementsResponse,
  peerMeasurementsResponseSchema,
} from '../../protocol/peer-measurements.ts';
import type { Delivery } from './play-file.ts';

const CHANGES_PER_PAGE = 1_000;
const MAX_PAGE_BYTES = 32 * 2 ** 20;
/** 20 times 500 summaries. */
const MAX_MEASUREMENTS_BYTES = 4 * 2 ** 20;
const MAX_CONFIRMATION_BYTES = 2 ** 16;
const TIMEOUT_MS = 5_000;

export interface TrackerCentral {
  /** The kernel's client, for calls that are not specific to trackers. */
  readonly client: CentralClient;
  /** The changes after this position. Central waits up to `waitS` seconds for the first one. */
  fetchChanges(after: number, waitS: number, abort: AbortSignal): Promise<ChangePage>;
  reportSiteStates(states: readonly SiteUpState[], abort: AbortSignal): Promise<void>;
  /** Central counts a repeated delivery once. */
  deliverPlays(delivery: Delivery, abort: AbortSignal): Promise<void>;
  exchangeMeasurements(
    request: PeerMeasurementsRequest,
    abort: AbortSignal,
  ): Promise<PeerMeasurementsResponse>;
}

export interface SiteUpState {
  readonly site: SiteId;
  readonly up: boolean;
}

/**
 * The client of a tracker that has joined; undefined before that. The configured address is used rather than the one at which the
 * tracker joined, because an operator may have moved central since.
 */
export function trackerCentralOf(
  { key, membership }: MemberIdentity,
  centralUrl: string,
): TrackerCentral | undefined {
  const client = centralClientOf({ key, membership: membership && { ...membership, centralUrl } });
  if (!client) return undefined;
  const report = async (path: string, body: unknown, abort: AbortSignal): Promise<void> => {
    const limits = { timeoutMs: TIMEOUT_MS, maxBytes: MAX_CONFIRMATION_BYTES };
    await client.call(path, { body, response: z.unknown(), ...limits }, abort);
  };
  return {
    client,
    fetchChanges: (after, waitS, abort) =>
      client.call(
        `/api/changes?after=${after}&limit=${CHANGES_PER_PAGE}&wait=${waitS}&audiences=true&schedules=true&downloads=true`,
        { response: changePageSchema, waitS: LONG_POLL_S, maxBytes: MAX_PAGE_BYTES },
        abort,
      ),
    reportSiteStates: (sites, abort) => report('/api/site-states', { sites }, abort),
    deliverPlays: ({ epoch, sequence, day, plays }, abort) =>
      report(
        `/api/plays?epoch=${epoch}&sequence=${sequence}&day=${day}`,
        { plays: plays.map(([video, count]) => ({ video, count })) },
        abort,
      ),
    exchangeMeasurements: (body, abort) =>
      client.call(
        '/api/peer-measurements',
        {
          body,
          response: peerMeasurementsResponseSchema,
          timeoutMs: TIMEOUT_MS,
          maxBytes: MAX_MEASUREMENTS_BYTES,
        },
        abort,
      ),
  };
}

/** The longest time for which central waits for a change. */
export const LONG_POLL_S = 25;
