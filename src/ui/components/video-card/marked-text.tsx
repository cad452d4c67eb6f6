/** A text in which the matches of a search are marked. */
import { type Mark, splitMarks } from './split-marks.ts';

export function MarkedText({ text, marks }: { readonly text: string; readonly marks: readonly Mark[] }) {
  return (
    <>
      {splitMarks(text, marks).map((part, at) =>
        part.isMarked ? <mark key={at}>{part.text}</mark> : part.text,
      )}
    </>
  );
}
