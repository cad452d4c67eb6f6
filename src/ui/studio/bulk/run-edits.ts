/** Sends the edits of many videos in small calls, so that a page shows progress, can stop between them, and can continue later. Pure but for `send`. */
import { MAX_EDITS, type VideoEditOfMany, type VideoEditResult } from '../../../protocol/studio.ts';

export interface RunDeps {
  /** @throws ApiError */
  readonly send: (edits: readonly VideoEditOfMany[]) => Promise<readonly VideoEditResult[]>;
  readonly onResults: (results: readonly VideoEditResult[]) => void;
  readonly isStopped: () => boolean;
}

/**
 * @returns the edits that were not sent because the person has stopped. @throws ApiError; everything reported to `onResults` is done, and
 * the edits may be sent again
 */
export async function runEdits(
  edits: readonly VideoEditOfMany[],
  { send, onResults, isStopped }: RunDeps,
): Promise<readonly VideoEditOfMany[]> {
  for (let from = 0; from < edits.length; from += MAX_EDITS) {
    if (isStopped()) return edits.slice(from);
    onResults(await send(edits.slice(from, from + MAX_EDITS)));
  }
  return [];
}

/** The edits that undo the changes. A withdrawal cannot be undone. */
export const undoOf = (results: readonly VideoEditResult[]): readonly VideoEditOfMany[] =>
  results.flatMap(({ id, outcome, before }) =>
    outcome === 'changed' && before ? [{ id, edit: before } as VideoEditOfMany] : [],
  );

export const countOutcomes = (
  results: readonly VideoEditResult[],
): Readonly<Record<VideoEditResult['outcome'], number>> => {
  const counts = { changed: 0, unchanged: 0, withdrawn: 0, refused: 0 };
  for (const { outcome } of results) counts[outcome]++;
  return counts;
};
