/** The checksum extension of tus 1.0.0: a request whose bytes do not match its checksum changes nothing. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { problem } from '../../../kernel/problem.ts';

/** "The Server MUST support at least the SHA1 checksum algorithm identified by sha1." (section "Checksum") */
export const CHECKSUM_ALGORITHMS = ['sha1', 'sha256', 'sha512', 'md5'];
const TRAILER = 'upload-checksum';

/** True if the request has a checksum, or announces one as a trailer. @throws Problem 400 */
export function hasChecksum({ headers }: IncomingMessage): boolean {
  if (headers[TRAILER] !== undefined) {
    parseChecksum(headers[TRAILER].toString());
    return true;
  }
  return (headers.trailer ?? '')
    .toLowerCase()
    .split(/\s*,\s*/)
    .includes(TRAILER);
}

/**
 * Compares the bytes of a request that has arrived completely with its checksum.
 *
 * @throws Problem 460 `upload-checksum-mismatch`
 */
export async function requireChecksum({ headers, trailers }: IncomingMessage, path: string): Promise<void> {
  const { algorithm, digest } = parseChecksum((headers[TRAILER] ?? trailers[TRAILER] ?? '').toString());
  const hash = createHash(algorithm);
  await pipeline(createReadStream(path), hash);
  if (!hash.digest().equals(digest))
    throw problem('upload-checksum-mismatch', 'The bytes do not match Upload-Checksum. Send them again.');
}

/** @throws Problem 400 `upload-checksum-unsupported` */
function parseChecksum(header: string): { readonly algorithm: string; readonly digest: Buffer } {
  const [algorithm = '', digest = '', ...rest] = header.trim().split(' ');
  if (!CHECKSUM_ALGORITHMS.includes(algorithm) || !/^[A-Za-z0-9+/]+={0,2}$/.test(digest) || rest.length > 0)
    throw problem(
      'upload-checksum-unsupported',
      `Send Upload-Checksum as an algorithm (${CHECKSUM_ALGORITHMS.join(', ')}), a space, and the digest in Base64.`,
    );
  return { algorithm, digest: Buffer.from(digest, 'base64') };
}
