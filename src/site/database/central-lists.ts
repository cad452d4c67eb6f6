/** Series and the operator's fields as central last described them, kept so that the studio offers them also while disconnected. */
import { type CentralLists, centralListsSchema } from '../../protocol/catalogue/central-lists.ts';
import type { SiteDatabase } from './tables/videos.ts';

const NAME = 'all';

export type KnownLists = Required<CentralLists>;

/** Undefined before central has been reached once. */
export async function readCentralLists(db: SiteDatabase): Promise<KnownLists | undefined> {
  const row = await db.selectFrom('central_lists').select('body').where('name', '=', NAME).executeTakeFirst();
  const parsed = row && centralListsSchema.required().safeParse(JSON.parse(row.body));
  return parsed?.success ? parsed.data : undefined;
}

export async function writeCentralLists(db: SiteDatabase, lists: KnownLists): Promise<void> {
  const row = { version: lists.version, body: JSON.stringify(lists) };
  await db
    .insertInto('central_lists')
    .values({ name: NAME, ...row })
    .onConflict(conflict => conflict.column('name').doUpdateSet(row))
    .execute();
}
