/** Combines the first page of a list, which is reloaded, with the pages that "Load more" has added. Pure. */

/** Pages after the first one, which belong to one query. */
export interface FurtherPages<Page> {
  readonly query: string;
  readonly pages: readonly Page[];
}

export function mergePages<Page>(
  first: Page | undefined,
  query: string,
  further: FurtherPages<Page> | undefined,
): readonly Page[] {
  if (!first) return [];
  return further?.query === query ? [first, ...further.pages] : [first];
}

/** A new item moves the last ones of the first page to the second one, so an item may be on two pages. It is listed once. */
export const listUnique = <Item, Id>(items: readonly Item[], idOf: (item: Item) => Id): readonly Item[] => [
  ...new Map(items.map(item => [idOf(item), item])).values(),
];
