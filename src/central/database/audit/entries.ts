/** Reads the audit log: pages by filter, and all entries in order. */
import type { AuditEntry } from '../../../protocol/people/audit.ts';
import type { CentralDatabase } from '../schema.ts';

export interface EntryFilter {
  /** Any of these. */
  readonly actions?: readonly string[] | undefined;
  readonly person?: string | undefined;
  readonly object?: string | undefined;
  /** The time of the events: from `fromMs` on, before `untilMs`. */
  readonly fromMs?: number | undefined;
  readonly untilMs?: number | undefined;
}

export interface EntryPage {
  /** The entries that follow this one in `order`. */
  readonly after?: number | undefined;
  readonly order: 'oldest' | 'newest';
  readonly limit: number;
}

/** Returns one entry more than `limit` if there are more. */
export async function listEntries(
  db: CentralDatabase,
  filter: EntryFilter,
  { after, order, limit }: EntryPage,
): Promise<AuditEntry[]> {
  const { actions, person, object, fromMs, untilMs } = filter;
  const isOldestFirst = order === 'oldest';
  let query = db.selectFrom('audit_entries').select(['body', 'hash']);
  if (actions) query = query.where('action', 'in', actions);
  if (person !== undefined) query = query.where('person_id', '=', person);
  if (object !== undefined) query = query.where('object', '=', object);
  if (fromMs !== undefined) query = query.where('at', '>=', fromMs);
  if (untilMs !== undefined) query = query.where('at', '<', untilMs);
  if (after !== undefined) query = query.where('seq', isOldestFirst ? '>' : '<', after);
  const rows = await query
    .orderBy('seq', isOldestFirst ? 'asc' : 'desc')
    .limit(limit + 1)
    .execute();
  return rows.map(({ body, hash }) => ({ ...(JSON.parse(body) as Omit<AuditEntry, 'hash'>), hash }));
}

/** All entries that match, in order, read in pages: the memory does not depend on their number. */
export async function* readEntries(
  db: CentralDatabase,
  filter: EntryFilter,
  { order, after }: Omit<EntryPage, 'limit'>,
): AsyncGenerator<AuditEntry> {
  let last = after;
  for (;;) {
    const found = await listEntries(db, filter, { order, after: last, limit: READ_ENTRIES });
    const page = found.slice(0, READ_ENTRIES);
    yield* page;
    last = page.at(-1)?.seq ?? last;
    if (found.length <= READ_ENTRIES) return;
  }
}
const READ_ENTRIES = 500;
