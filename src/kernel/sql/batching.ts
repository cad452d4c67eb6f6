/**
 * Group commit: what is asked for while a batch is under way goes together into the next one. Alone, nothing waits; in a
 * crowd, a thousand wishes cost a handful of transactions.
 */

/** What became of one item: its result, or why it alone failed. */
export type Outcome<Result> =
  | { readonly ok: true; readonly result: Result }
  | { readonly ok: false; readonly error: unknown };

export const succeeded = <Result>(result: Result): Outcome<Result> => ({ ok: true, result });
export const failed = (error: unknown): Outcome<never> => ({ ok: false, error });

/**
 * `run` answers for each item at its place. Where it throws for several together, each is tried once more by itself, so
 * that none fails for another's sake: `run` must be fit to be repeated.
 */
export function batching<Item, Result>(
  max: number,
  run: (items: readonly Item[]) => Promise<readonly Outcome<Result>[]>,
): (item: Item) => Promise<Result> {
  const waiting: { readonly item: Item; readonly settle: (settled: Outcome<Result>) => void }[] = [];
  let running = false;

  const attempt = async (items: readonly Item[]): Promise<readonly Outcome<Result>[]> => {
    try {
      const settled = await run(items);
      return items.map((_, place) => settled[place] ?? failed(new Error('a batch left an item unanswered')));
    } catch (error) {
      if (items.length === 1) return [failed(error)];
      return (await Promise.all(items.map(item => attempt([item])))).flat();
    }
  };
  const start = async (): Promise<void> => {
    running = true;
    while (waiting.length > 0) {
      const batch = waiting.splice(0, max);
      const settled = await attempt(batch.map(({ item }) => item));
      for (const [place, { settle }] of batch.entries()) settle(settled[place] as Outcome<Result>);
    }
    running = false;
  };

  return item =>
    new Promise<Result>((resolve, reject) => {
      waiting.push({
        item,
        settle: settled => (settled.ok ? resolve(settled.result) : reject(settled.error)),
      });
      if (!running) void start();
    });
}

/** One batch for each database: made when it is first used, gone with it. */
export function perDatabase<Database extends object, Item, Result>(
  max: number,
  run: (db: Database, items: readonly Item[]) => Promise<readonly Outcome<Result>[]>,
): (db: Database, item: Item) => Promise<Result> {
  const batches = new WeakMap<Database, (item: Item) => Promise<Result>>();
  return (db, item) => {
    let batch = batches.get(db);
    if (!batch) {
      batch = batching(max, items => run(db, items));
      batches.set(db, batch);
    }
    return batch(item);
  };
}
