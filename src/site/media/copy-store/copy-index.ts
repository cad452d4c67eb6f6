/**
 * Formats and parses the index of one copied revision (pure): its files, the positions of their bytes in the pack, and the proofs
 * of the site that made them. It is text with one line per file, so lines can be appended as files arrive.
 */
import type { Proof } from '../../../kernel/identity/proofs.ts';

export interface CopiedFile {
  /** Path relative to the revision, for example `source-video/0.m4s`. */
  readonly file: string;
  /** Position in the pack. */
  readonly offset: number;
  readonly sizeBytes: number;
  readonly proof: Proof;
  /** The entity tag with which the origin serves the file. */
  readonly etag: string;
}

/** Raise the number when the format changes. Copies in another format are fetched again. */
const FORMAT = 'tributary copy 1';

export const COPY_INDEX_HEAD = `${FORMAT}\n`;

export const formatCopiedFile = ({ file, offset, sizeBytes, proof, etag }: CopiedFile): string =>
  `${JSON.stringify([file, offset, sizeBytes, proof.sha256, proof.key, proof.signature, etag])}\n`;

/** Parses up to the first incomplete or invalid line. Lines after it were not written completely. */
export function parseCopyIndex(text: string): ReadonlyMap<string, CopiedFile> {
  const files = new Map<string, CopiedFile>();
  if (!text.startsWith(COPY_INDEX_HEAD)) return files;
  const lines = text.slice(COPY_INDEX_HEAD.length).split('\n');
  // After the last line break there is nothing, or an incomplete line.
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
