/** Epochs of sites (publication rule R8): raised by each handshake, and invalidated if the histories turn out to differ. */
import { Problem, problem } from '../../../kernel/problem.ts';
import type { SiteId } from '../../../protocol/base/ids.ts';
import type { Epoch } from '../../../protocol/publication/epoch.ts';
import type { HandshakeRequest } from '../../../protocol/publication/handshake.ts';
import type { CentralDatabase, PublicationRow } from '../schema.ts';
import { admit, type Instance, parseInstances } from './instances.ts';

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

export interface EpochRequest extends Pick<HandshakeRequest, 'start' | 'epoch' | 'instance'> {
  /** IP address of the process that asks. */
  readonly address: string;
}

/**
 * Returns the current epoch if it belongs to the start `start` already, because the first response may have been lost. Else it
 * begins a new epoch. Its number exceeds all that either side knows (`epoch` is the highest that the site knows), because either may
 * have been restored from a backup.
 *
 * @throws Problem `site-cloned` if the process that asks is a clone
 */
export async function raiseEpoch(
  db: CentralDatabase,
  site: SiteId,
  { start, epoch: knownToSite, instance: id, address }: EpochRequest,
  nowMs: number,
): Promise<Epoch> {
  const raised = await db.transaction().execute(async tx => {
    const row = await lockPublication(tx, site);
    if (id !== undefined) {
      const { instances, refusedFor } = admit(parseInstances(row.instances), { id, address }, nowMs);
      await tx
        .updateTable('publications')
        .set({ instances: JSON.stringify(instances) })
        .where('site_id', '=', site)
        .execute();
      // The time of the refusal is committed.
      if (refusedFor) return describeClone(refusedFor);
    }
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
  if (raised instanceof Problem) throw raised;
  return raised;
}

const describeClone = ({ address, firstSeenMs }: Instance): Problem =>
  problem(
    'site-cloned',
    `Another process runs with the key of this site, at ${address} since ${new Date(firstSeenMs).toISOString()}. This one is stopped: it publishes nothing. Stop one of the two. To make this one another site, add a site on the admin page and use its join token here.`,
  );

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
