/** Epochs of sites (publication rule R8): raised at each greeting, and dissolved where histories are found to differ. */

import type { SiteId } from '../../../protocol/ids.ts';
import type { Epoch } from '../../../protocol/publication/epoch.ts';
import type { CentralDatabase, PublicationRow } from '../schema.ts';

export const epochOf = ({
  epoch,
  epoch_start,
}: Pick<PublicationRow, 'epoch' | 'epoch_start'>): Epoch | undefined =>
  epoch_start === null ? undefined : { number: Number(epoch), start: epoch_start };

const readPublication = (db: CentralDatabase, site: SiteId): Promise<PublicationRow> =>
  db.selectFrom('publications').selectAll().where('site_id', '=', site).executeTakeFirstOrThrow();

/** Reads the rows for writing: whoever takes records or raises the epoch comes one after another, on every engine. */
export const lockPublications = (
  transaction: CentralDatabase,
  sites: readonly SiteId[],
): Promise<PublicationRow[]> =>
  transaction
    .updateTable('publications')
    .set(({ ref }) => ({ epoch: ref('epoch') }))
    .where('site_id', 'in', sites)
    .returningAll()
    .execute();

async function lockPublication(transaction: CentralDatabase, site: SiteId): Promise<PublicationRow> {
  const [row] = await lockPublications(transaction, [site]);
  if (!row) throw new Error(`there is no publication of site ${site}`);
  return row;
}

export const readEpoch = async (db: CentralDatabase, site: SiteId): Promise<Epoch | undefined> =>
  epochOf(await readPublication(db, site));

export async function readEpochs(
  db: CentralDatabase,
  sites: readonly SiteId[],
): Promise<ReadonlyMap<string, Epoch | undefined>> {
  const rows = await db
    .selectFrom('publications')
    .select(['site_id', 'epoch', 'epoch_start'])
    .where('site_id', 'in', sites)
    .execute();
  return new Map(rows.map(row => [row.site_id, epochOf(row)]));
}

/**
 * The present epoch if `start` has it already (its first answer may have been lost), else a new one: above all that
 * either side knows of, since either may have been restored from a backup.
 */
export function raiseEpoch(
  db: CentralDatabase,
  site: SiteId,
  start: string,
  knownToSite: number,
  nowMs: number,
): Promise<Epoch> {
  return db.transaction().execute(async tx => {
    const row = await lockPublication(tx, site);
    const present = epochOf(row);
    if (present?.start === start && present.number > knownToSite) return present;
    const number = Math.max(Number(row.epoch), knownToSite) + 1;
    await tx
      .updateTable('publications')
      .set({ epoch: number, epoch_start: start, handshake_at: nowMs, invalidated_because: null })
      .where('site_id', '=', site)
      .execute();
    return { number, start };
  });
}

/**
 * Ends `epoch`, if it is still the present one: nothing is taken of this site until it greets anew, compares itself with
 * us, and so heals whatever differs. It learns of this by its next signal or poll.
 */
export async function invalidateEpoch(
  db: CentralDatabase,
  site: SiteId,
  epoch: Epoch,
  because: string,
): Promise<void> {
  await db
    .updateTable('publications')
    .set({ epoch_start: null, invalidated_because: because })
    .where('site_id', '=', site)
    .where('epoch', '=', epoch.number)
    .where('epoch_start', '=', epoch.start)
    .execute();
}
