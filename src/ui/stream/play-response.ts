/** Requests the ranked sources of a video from the trackers, in central's order. */
import type { PlayResponse } from '../../protocol/tracker.ts';
import { ApiError } from '../api/api-error.ts';
import { call } from '../api/call.ts';

type PlayQuery = Readonly<Record<'client' | 'grant' | 'session', string | undefined>>;

/**
 * @throws ApiError of the last tracker; `no-tracker` if there is none, `tracker-unavailable` if none responds
 */
export async function fetchPlayResponse(
  trackers: readonly string[],
  video: string,
  query: PlayQuery,
  abort: AbortSignal,
): Promise<PlayResponse> {
  const search = formatQuery(query);
  let failure = new ApiError(503, 'no-tracker', '');
  for (const tracker of trackers) {
    try {
      return await call<PlayResponse>(`${tracker}/play/${video}${search}`, { abort });
    } catch (error) {
      // A refusal is the same at every tracker. One that fails or does not respond is skipped.
      if (!(error instanceof ApiError) || (error.status > 0 && error.status < 500)) throw error;
      failure =
        error.code === 'network' ? new ApiError(0, 'tracker-unavailable', '', { cause: error }) : error;
    }
  }
  throw failure;
}

/** With a leading `?`; empty without values. */
export function formatQuery(values: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]));
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}
