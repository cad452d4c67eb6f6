/**
 * An epoch is one period in the history of a site, from one handshake to the next (publication rules R7 and R8). Central
 * increments its number, and the site contributes the nonce of its start. If both sides are restored from backups, two
 * histories of one database can reach the same number; they still differ in the nonce.
 */
import * as z from 'zod';

export const nonceSchema = z.string().regex(/^[A-Za-z0-9_-]{16,64}$/);

export const epochSchema = z.object({
  number: z.int().positive(),
  /** Nonce of the start in which the site performed the handshake. */
  start: nonceSchema,
});
export type Epoch = z.infer<typeof epochSchema>;

/** R8: a message of another epoch belongs to a history that has ended. */
export const isSameEpoch = (a: Epoch | undefined, b: Epoch | undefined): boolean =>
  a !== undefined && b !== undefined && a.number === b.number && a.start === b.start;

export const formatEpoch = ({ number, start }: Epoch): string => `${number} (${start.slice(0, 6)}…)`;
