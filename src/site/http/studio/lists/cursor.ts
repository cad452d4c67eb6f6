/** The cursor of a list: the place of its last video, as text. For the orders by time it is just the id of the video. Pure. */
import { problem } from '../../../../kernel/problem.ts';
import { videoIdSchema } from '../../../../protocol/base/ids.ts';
import type { SiteVideoOrder } from '../../../../protocol/studio.ts';
import type { Position } from '../../../database/studio/list-videos.ts';

const isByTime = (order: SiteVideoOrder): boolean => order === 'newest' || order === 'oldest';

export const formatCursor = ({ key, video }: Position, order: SiteVideoOrder): string =>
  isByTime(order) ? video : Buffer.from(JSON.stringify([key, video])).toString('base64url');

/** @throws Problem 400 `request-invalid` */
export function parseCursor(cursor: string, order: SiteVideoOrder): Position {
  if (isByTime(order)) {
    const id = videoIdSchema.safeParse(cursor);
    if (id.success) return { key: id.data, video: id.data };
    throw invalid();
  }
  try {
    const [key, video] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    const isText = order === 'name';
    if (typeof key !== (isText ? 'string' : 'number')) throw invalid();
    return { key: key as string | number, video: videoIdSchema.parse(video) };
  } catch {
    throw invalid();
  }
}

const invalid = () =>
  problem(
    'request-invalid',
    'The cursor is not one of this list. Use the `next` of a page with the same order.',
  );
