/** Cursors: the last row of a page of a list, as opaque text. */
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
  const [at, id] = parse(cursorSchema, text);
  return { at, id };
}

const textCursorSchema = z.tuple([z.string().max(1_000), z.string().min(1).max(64)]);

/** The cursor of a list that is ordered by a text. */
export interface TextCursor {
  readonly text: string;
  readonly id: string;
}

export const formatTextCursor = ({ text, id }: TextCursor): string =>
  Buffer.from(JSON.stringify([text, id])).toString('base64url');

/** @throws Problem 400 `cursor-invalid` */
export function parseTextCursor(cursor: string): TextCursor {
  const [text, id] = parse(textCursorSchema, cursor);
  return { text, id };
}

/** @throws Problem 400 `cursor-invalid` */
function parse<Schema extends z.ZodType>(schema: Schema, cursor: string): z.output<Schema> {
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
  } catch (cause) {
    throw problem('cursor-invalid', 'This cursor does not come from this list. Start without a cursor.', {
      cause,
    });
  }
}
