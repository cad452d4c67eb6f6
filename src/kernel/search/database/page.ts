/** One page of a list: walks the matches until enough of them may be shown, within a limit of work. */
import type { VideoId } from '../../../protocol/base/ids.ts';
import type { SearchDatabase } from './finder.ts';
import { type Found, type Walk, walk } from './list.ts';

/** A page ends after this many documents, even if it has fewer videos than asked for; its cursor continues. */
const MAX_WALKED = 3_000;
/** The same for videos that were read, for example to find a phrase. */
const MAX_LOADED = 400;

export interface PageOf<Item> {
  readonly items: readonly Item[];
  readonly next?: string | undefined;
}

/** @param load returns the items of those videos that may be shown */
export async function findPage<Item>(
  db: SearchDatabase,
  { limit, ...walked }: Walk & { readonly limit: number },
  load: (videos: readonly VideoId[]) => Promise<ReadonlyMap<VideoId, Item>>,
): Promise<PageOf<Item>> {
  const items: { readonly item: Item; readonly cursor: string }[] = [];
  const nextOf = (): string | undefined => items[limit - 1]?.cursor;
  let [passed, loaded] = [0, 0];
  let last: string | undefined;
  for await (const batch of walk(db, walked)) {
    passed += batch.length;
    for (const part of split(batch, limit + 1)) {
      const videos = part.flatMap(({ video }) => video ?? []);
      loaded += videos.length;
      const found = videos.length === 0 ? new Map<VideoId, Item>() : await load(videos);
      for (const { video, cursor } of part) {
        const item = video === undefined ? undefined : found.get(video);
        if (item !== undefined) items.push({ item, cursor });
        if (items.length > limit)
          return { items: items.slice(0, limit).map(each => each.item), next: nextOf() };
      }
      last = part.at(-1)?.cursor ?? last;
      if (loaded >= MAX_LOADED) return { items: items.map(each => each.item), next: last };
    }
    if (passed >= MAX_WALKED) return { items: items.map(each => each.item), next: last };
  }
  return { items: items.map(each => each.item) };
}

/** Parts with at most `size` videos. */
function split(batch: readonly Found[], size: number): Found[][] {
  const parts: Found[][] = [[]];
  for (const found of batch) {
    const part = parts.at(-1) as Found[];
    if (part.length < size || found.video === undefined) part.push(found);
    else parts.push([found]);
  }
  return parts;
}
