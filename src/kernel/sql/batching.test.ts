import { expect, test } from 'vitest';
import { batching, failed, type Outcome, succeeded } from './batching.ts';

/** A batch whose runs end when the test ends them. */
function stage(max: number, answer: (item: number) => Outcome<string> = item => succeeded(`${item}`)) {
  const batches: (readonly number[])[] = [];
  const ends: (() => void)[] = [];
  const ask = batching<number, string>(max, async items => {
    batches.push(items);
    await new Promise<void>(resolve => ends.push(resolve));
    return items.map(answer);
  });
  const endNext = async () => {
    ends.shift()?.();
    await new Promise(resolve => setImmediate(resolve));
  };
  return { batches, ask, endNext };
}

test('the first item runs at once; items that arrive meanwhile run together, up to the maximum', async () => {
  const { batches, ask, endNext } = stage(3);
  const results = [1, 2, 3, 4, 5].map(ask);
  expect(batches).toEqual([[1]]);
  await endNext();
  expect(batches).toEqual([[1], [2, 3, 4]]);
  await endNext();
  await endNext();
  expect(batches).toEqual([[1], [2, 3, 4], [5]]);
  expect(await Promise.all(results)).toEqual(['1', '2', '3', '4', '5']);
  const later = ask(6);
  expect(batches.at(-1)).toEqual([6]);
  await endNext();
  expect(await later).toBe('6');
});

test('an item with its own error does not affect the others', async () => {
  const { ask, endNext } = stage(9, item => (item === 2 ? failed(new Error('two')) : succeeded(`${item}`)));
  const results = Promise.allSettled([1, 2, 3].map(ask));
  await endNext();
  await endNext();
  expect((await results).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

test('if a batch throws, each item is tried by itself, and only the bad one fails', async () => {
  const seen: (readonly number[])[] = [];
  const ask = batching<number, number>(9, async items => {
    seen.push(items);
    await Promise.resolve();
    if (items.includes(3)) throw new Error('three');
    return items.map(succeeded);
  });
  const results = await Promise.allSettled([1, 2, 3, 4].map(ask));
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  expect(seen).toEqual([[1], [2, 3, 4], [2], [3], [4]]);
});
