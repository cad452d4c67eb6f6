/** The images of series. */
import type { SeriesId } from '../../../protocol/people/permissions.ts';
import type { CentralDatabase, CentralTransaction } from '../schema.ts';
import { noteSeriesChange } from './series.ts';

export interface SeriesImage {
  readonly body: Buffer;
  /** The media type. */
  readonly type: string;
  /** Part of its address. */
  readonly hash: string;
}

export async function findSeriesImage(db: CentralDatabase, id: SeriesId): Promise<SeriesImage | undefined> {
  const row = await db
    .selectFrom('series_images')
    .innerJoin('series', 'series.id', 'series_images.series_id')
    .select(['type', 'body', 'image'])
    .where('series.id', '=', id)
    .executeTakeFirst();
  return row && { body: Buffer.from(row.body, 'base64'), type: row.type, hash: row.image ?? '' };
}

/** @returns false if there is no such series */
export async function replaceSeriesImage(
  tx: CentralTransaction,
  id: SeriesId,
  image: SeriesImage | undefined,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('series')
    .set({ image: image?.hash ?? null })
    .where('id', '=', id)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return false;
  await noteSeriesChange(tx);
  await tx.deleteFrom('series_images').where('series_id', '=', id).execute();
  if (image)
    await tx
      .insertInto('series_images')
      .values({ series_id: id, type: image.type, body: image.body.toString('base64') })
      .execute();
  return true;
}
