/** Asks the trackers, in the centre's order, where to play a video from. */
import type { z } from 'zod';
import type { centralInfoSchema } from '../../protocol/central.ts';
import type { PlayResponse } from '../../protocol/tracker.ts';
import { ApiError, call } from '../api/call.ts';

export type CentralInfo = z.infer<typeof centralInfoSchema>;

/** @throws ApiError of the last tracker that was asked; `no-tracker` where there is none, `tracker-unavailable` where none answers. */
export async function fetchPlayAnswer(
  trackers: readonly string[],
  video: string,
  viewer: Readonly<Record<'client' | 'grant' | 'session', string | undefined>>,
  signal: AbortSignal,
): Promise<PlayResponse> {
  const query = formatQuery(viewer);
  let failure = new ApiError(503, 'no-tracker', '');
  for (const tracker of trackers) {
    try {
      return await call<PlayResponse>(`${tracker}/play/${video}${query}`, { signal });
    } catch (error) {
      // What a tracker says of the video holds for all of them; one that says nothing is passed over.
      if (!(error instanceof ApiError) || (error.status > 0 && error.status < 500)) throw error;
      failure =
        error.code === 'network' ? new ApiError(0, 'tracker-unavailable', '', { cause: error }) : error;
    }
  }
  throw failure;
}

const formatQuery = (values: Readonly<Record<string, string | undefined>>): string => {
  const given = Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]));
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
};
