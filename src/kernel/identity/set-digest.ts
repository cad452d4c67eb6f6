/**
 * A digest of a set of records that does not depend on their order (databases sort text differently): the SHA-256 of each
 * entry, combined by XOR. No entry may occur twice, as in rows with a key.
 */
import { hash } from 'node:crypto';

export class SetDigest {
  readonly #sum = Buffer.alloc(32);

  add(video: string, version: number, contentHash: string): void {
    const entry = hash('sha256', `${video} ${version} ${contentHash}`, 'buffer');
    for (let at = 0; at < 32; at++) this.#sum[at]! ^= entry[at]!;
  }

  toString(): string {
    return this.#sum.toString('hex');
  }
}
