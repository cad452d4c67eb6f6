/**
 * An epoch is one span of a site's history, from a greeting to the next (publication rules R7 and R8). Central raises its
 * number; the start that greeted gives its nonce. Two lives of one database that came to the same number, because both
 * sides were restored from backups, still differ in the nonce.
 */
import * as z from 'zod';

export const nonceSchema = z.string().regex(/^[A-Za-z0-9_-]{16,64}$/);

export const epochSchema = z.strictObject({
  number: z.int().positive(),
  /** Nonce of the start of the site that greeted. */
  start: nonceSchema,
});
export type Epoch = z.infer<typeof epochSchema>;

/** R8: what belongs to another epoch comes from a timeline that is no more. */
export const isSameEpoch = (a: Epoch | undefined, b: Epoch | undefined): boolean =>
  a !== undefined && b !== undefined && a.number === b.number && a.start === b.start;

export const formatEpoch = ({ number, start }: Epoch): string => `${number} (${start.slice(0, 6)}…)`;
