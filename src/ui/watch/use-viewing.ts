/** The grant of this viewer: from the link with which the page was opened, or from central for those who may watch the video. */
import { useCallback, useState } from 'preact/hooks';
import type { Video } from '../../protocol/central.ts';
import type { Viewing } from '../../protocol/rights.ts';
import { isPermanent } from '../api/api-error.ts';
import { call } from '../api/call.ts';
import { usePoll } from '../api/use-poll.ts';
import { grant as linkGrant } from './private-links/grant.ts';

const RETRY_MS = 5_000;
/** A grant is valid for hours. Central returns the same one again while it is valid for long enough. */
const RENEW_MS = 3_600_000;

/** Undefined while there is none. `renew`: trackers have refused the grant, which was valid before. */
export function useViewing(video: Video | undefined, token: string | undefined) {
  const isNeeded = linkGrant === undefined && video !== undefined && video.audience !== 'public';
  const [attempt, setAttempt] = useState(0);
  const { value, error } = usePoll(
    isNeeded ? `${video.id} ${token ?? ''} ${attempt}` : '',
    async abort =>
      isNeeded
        ? call<Viewing>(`/api/videos/${encodeURIComponent(video.id)}/viewing`, {
            method: 'POST',
            token,
            abort,
          })
        : undefined,
    found => (found ? RENEW_MS : RETRY_MS),
  );
  const grant = linkGrant ?? (isNeeded ? value?.grant : undefined);
  return {
    grant,
    /** The video plays as soon as the grant is there. */
    isWaiting: isNeeded && grant === undefined,
    error: isNeeded && isPermanent(error) ? error : undefined,
    renew: useCallback(() => setAttempt(number => number + 1), []),
  };
}
