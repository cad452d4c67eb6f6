/** Reads pieces of a file into their places in one buffer by as few system calls as possible. */
import type { StoredFile } from './storage.ts';

export interface Piece {
  /** In the file. */
  readonly position: number;
  readonly length: number;
  /** In the buffer. */
  readonly target: number;
}

/** Reading what lies between is cheaper than asking twice: sound stands in small runs between pictures. */
const MAX_GAP_BYTES = 512 * 1024;
/** What lies in gaps is written here and never read, by all readers at once. */
let scratch: Buffer | undefined;
/** `IOV_MAX` on Linux. */
const MAX_VECTORS = 1_024;

/**
 * Fills `into` at each piece's target. Pieces are given in the order of their targets; where they follow each other in
 * the file too, one read serves them, the gaps between them going to a scratch buffer.
 *
 * @throws Error if the file ends before a piece does
 */
export async function readScattered(file: StoredFile, into: Buffer, pieces: readonly Piece[]): Promise<void> {
  const runs = joinPieces(pieces);
  for (let i = 0; i < runs.length; ) {
    const { position } = runs[i]!;
    const vectors: Buffer[] = [];
    let end = position;
    while (i < runs.length && vectors.length + 2 <= MAX_VECTORS) {
      const run = runs[i]!;
      const gap = run.position - end;
      if (gap < 0 || gap > MAX_GAP_BYTES) break;
      if (gap > 0) {
        scratch ??= Buffer.allocUnsafeSlow(MAX_GAP_BYTES);
        vectors.push(scratch.subarray(0, gap));
      }
      vectors.push(into.subarray(run.target, run.target + run.length));
      end = run.position + run.length;
      i++;
    }
    await readVectors(file, vectors, position, end - position);
  }
}

function joinPieces(pieces: readonly Piece[]): readonly Piece[] {
  const runs: { position: number; length: number; target: number }[] = [];
  for (const piece of pieces) {
    if (piece.length === 0) continue;
    const last = runs.at(-1);
    if (
      last &&
      last.position + last.length === piece.position &&
      last.target + last.length === piece.target
    ) {
      last.length += piece.length;
    } else runs.push({ ...piece });
  }
  return runs;
}

/** A read may return less than was asked for (a signal, a network file system): then the rest is asked for. */
async function readVectors(
  file: StoredFile,
  vectors: readonly Buffer[],
  position: number,
  length: number,
): Promise<void> {
  let filled = (await file.readv(vectors, position)).bytesRead;
  while (filled < length) {
    let skip = filled;
    const rest: Buffer[] = [];
    for (const vector of vectors) {
      if (skip < vector.length) rest.push(vector.subarray(skip));
      skip = Math.max(0, skip - vector.length);
    }
    const { bytesRead } = await file.readv(rest, position + filled);
    if (bytesRead === 0) throw new Error('the source ends before its samples do');
    filled += bytesRead;
  }
}
