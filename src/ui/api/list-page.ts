/** Parameters of a page of a list (`limit`, `q`, `cursor`). Pure. */
interface ListQuery {
  readonly limit: number;
  readonly query: string;
  /** The `next` of the previous page. */
  readonly cursor?: string | undefined;
}

export function formatListQuery({ limit, query, cursor }: ListQuery): string {
  const search = new URLSearchParams({ limit: String(limit) });
  if (query) search.set('q', query);
  if (cursor) search.set('cursor', cursor);
  return `?${search}`;
}
