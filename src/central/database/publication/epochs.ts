/** Epochs of sites (publication rule R8): raised by each handshake, and invalidated if the histories turn out to differ. */
import type { SiteId } from '../../../protocol/base/ids.ts';
import type { Epoch } from '../../../protocol/publication/epoch.ts';
import type { HandshakeRequest } from '../../../protocol/publication/handshake.ts';
import type { CentralDatabase, PublicationRow } from '../schema.ts';

export const epochOf = ({
  epoch,
  epoch_start,
}: Pick<PublicationRow, 'epoch' | 'epoch_start'>): Epoch | undefined =>
  epoch_start === null ? undefined : { number: Number(epoch), start: epoch_start };

const readPublication = (db: CentralDatabase, site: SiteId): Promise<PublicationRow> =>
  db.selectFrom('publications').selectAll().where('site_id', '=', site).executeTakeFirstOrThrow();

/** Reads and locks the rows, so that transactions that apply records or raise the epoch run one after another on every engine. */
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
  if (!row) throw new Error(`There is no publication state of site ${site}.`);
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
 * Returns the current epoch if it belongs to the start `start` already, because the first response may have been lost. Else it
 * begins a new epoch. Its number exceeds all that either side knows, because either may have been restored from a backup.
 *
 * @param knownToSite the highest epoch number that the site knows
 */
export function raiseEpoch(
  db: CentralDatabase,
  site: SiteId,
  { start, epoch: knownToSite }: Pick<HandshakeRequest, 'start' | 'epoch'>,
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
 * Ends `epoch`, if it is still the current one. No records of the site are accepted until its next handshake, in which it
 * compares its records with central's and repairs every difference. It learns of this by its next signal or poll.
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
