/** Reads several ranges of a file into one buffer with as few system calls as possible. */
import type { StoredFile } from './stored-file.ts';

export interface Piece {
  /** Offset in the file. */
  readonly position: number;
  readonly length: number;
  /** Offset in the buffer. */
  readonly target: number;
}

/** Reading a gap of this size is cheaper than a second read: audio lies in short runs between video. */
const MAX_GAP_BYTES = 512 * 1024;
/** Receives the bytes of gaps. All readers write here at once, and nobody reads it. */
let scratch: Buffer | undefined;
/** `IOV_MAX` on Linux. */
const MAX_VECTORS = 1_024;

/**
 * Fills `into` at each piece's target. Pieces are in the order of their targets. If they also follow each other in the file, one
 * read serves several of them; the gaps between them go into a scratch buffer.
 *
 * @throws Error if the file ends before the end of a piece
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

/** A read may return fewer bytes than requested (a signal, a network file system); the rest is then read again. */
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
