/** The cursor of a newest-first list: the last row of a page, as opaque text. */
import * as z from 'zod';
import { problem } from '../../kernel/problem.ts';

const cursorSchema = z.tuple([z.int().nonnegative(), z.string().min(1).max(64)]);

export interface Cursor {
  readonly at: number;
  readonly id: string;
}

export const formatCursor = ({ at, id }: Cursor): string =>
  Buffer.from(JSON.stringify([at, id])).toString('base64url');

/** @throws Problem 400 `cursor-invalid` */
export function parseCursor(text: string): Cursor {
  try {
    const [at, id] = cursorSchema.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
    return { at, id };
  } catch (cause) {
    throw problem('cursor-invalid', 'This cursor does not come from this list. Start without a cursor.', {
      cause,
    });
  }
}
