/**
 * Group commit: items that arrive while a batch runs form the next batch. A single item never waits, and a thousand concurrent
 * items need only a few transactions.
 */

/** The outcome of one item: its result or its own error. */
export type Outcome<Result> =
  | { readonly ok: true; readonly result: Result }
  | { readonly ok: false; readonly error: unknown };

export const succeeded = <Result>(result: Result): Outcome<Result> => ({ ok: true, result });
export const failed = (error: unknown): Outcome<never> => ({ ok: false, error });

/**
 * `run` returns one outcome per item, in order. If it throws for several items together, each item is tried once more by itself, so
 * that no item fails because of another. Therefore `run` must be repeatable.
 */
export function batching<Item, Result>(
  max: number,
  run: (items: readonly Item[]) => Promise<readonly Outcome<Result>[]>,
): (item: Item) => Promise<Result> {
  const waiting: { readonly item: Item; readonly finish: (outcome: Outcome<Result>) => void }[] = [];
  let running = false;

  const attempt = async (items: readonly Item[]): Promise<readonly Outcome<Result>[]> => {
    try {
      const outcomes = await run(items);
      return items.map(
        (_, index) => outcomes[index] ?? failed(new Error('a batch returned no outcome for an item')),
      );
    } catch (error) {
      if (items.length === 1) return [failed(error)];
      return (await Promise.all(items.map(item => attempt([item])))).flat();
    }
  };
  const start = async (): Promise<void> => {
    running = true;
    while (waiting.length > 0) {
      const batch = waiting.splice(0, max);
      const outcomes = await attempt(batch.map(({ item }) => item));
      for (const [index, { finish }] of batch.entries()) finish(outcomes[index] as Outcome<Result>);
    }
    running = false;
  };

  return item =>
    new Promise<Result>((resolve, reject) => {
      waiting.push({
        item,
        finish: outcome => (outcome.ok ? resolve(outcome.result) : reject(outcome.error)),
      });
      if (!running) void start();
    });
}

/** Creates one batching function per database at its first use. It is released together with the database. */
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
