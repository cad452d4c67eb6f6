/**
 * What a copy of one revision is made of: its files, where their bytes lie in the pack beside, and the proof of the site that
 * made them. Text, a line a file, so that it can be added to as the files come. Pure.
 */
import type { Proof } from '../../../kernel/identity/proofs.ts';

export interface CopiedFile {
  /** Relative to the revision, e.g. `source-video/0.m4s`. */
  readonly file: string;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly proof: Proof;
  /** The validator that viewers elsewhere know it by. */
  readonly etag: string;
}

/** Raise it when the format changes: what cannot be read is fetched anew. */
const FORMAT = 'tributary copy 1';

export const COPY_INDEX_HEAD = `${FORMAT}\n`;

export const formatCopiedFile = ({ file, offset, sizeBytes, proof, etag }: CopiedFile): string =>
  `${JSON.stringify([file, offset, sizeBytes, proof.sha256, proof.key, proof.signature, etag])}\n`;

/** Up to the first line that is cut off or none of ours: what follows was not written whole. */
export function parseCopyIndex(text: string): ReadonlyMap<string, CopiedFile> {
  const files = new Map<string, CopiedFile>();
  if (!text.startsWith(COPY_INDEX_HEAD)) return files;
  const lines = text.slice(COPY_INDEX_HEAD.length).split('\n');
  // Behind the last line end there is nothing, or half a line.
  for (const line of lines.slice(0, -1)) {
    const parsed = parseLine(line);
    if (!parsed) break;
    files.set(parsed.file, parsed);
  }
  return files;
}

function parseLine(line: string): CopiedFile | undefined {
  let fields: unknown;
  try {
    fields = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!Array.isArray(fields) || fields.length !== 7) return undefined;
  const [file, offset, sizeBytes, sha256, key, signature, etag] = fields as unknown[];
  const areTexts = [file, sha256, key, signature, etag].every(field => typeof field === 'string');
  const areSizes = [offset, sizeBytes].every(field => Number.isSafeInteger(field) && Number(field) >= 0);
  if (!areTexts || !areSizes) return undefined;
  return {
    file: String(file),
    offset: Number(offset),
    sizeBytes: Number(sizeBytes),
    proof: { sha256: String(sha256), key: String(key), signature: String(signature) },
    etag: String(etag),
  };
}
