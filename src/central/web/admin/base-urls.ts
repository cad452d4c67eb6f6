/** Refuses a second member at the same address: central and viewers could not distinguish them. */
import { problem } from '../../../kernel/problem.ts';
import type { CentralDatabase } from '../../database/schema.ts';
import { findMemberAt } from '../../database/sites.ts';

/** @throws Problem 409 `base-url-taken` */
export async function requireFreeBaseUrl(
  db: CentralDatabase,
  baseUrl: string | undefined,
  own?: string,
): Promise<void> {
  const holder = baseUrl === undefined ? undefined : await findMemberAt(db, baseUrl);
  if (holder && holder.id !== own)
    throw problem('base-url-taken', `${baseUrl} already belongs to the ${holder.role} ${holder.name}.`);
}
