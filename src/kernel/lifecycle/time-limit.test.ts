import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { withinLimit } from './time-limit.ts';

const never = (): Promise<never> => new Promise(() => {});
const calm = new AbortController().signal;

test('gives what the work gives, and its failure', async () => {
  expect(await withinLimit(1_000, calm, async () => 7)).toBe(7);
  await expect(
    withinLimit(1_000, calm, async () => {
      throw new Error('own');
    }),
  ).rejects.toThrow('own');
});

test('ends work that does not listen', async () => {
  await expect(withinLimit(30, calm, never)).rejects.toThrow('no response within 30 ms');
  const stop = new AbortController();
  const working = withinLimit(10_000, stop.signal, never);
  stop.abort();
  await expect(working).rejects.toThrow('stopped');
  await expect(withinLimit(10_000, stop.signal, never)).rejects.toThrow('stopped');
});

test('aborts the work', async () => {
  let received: AbortSignal | undefined;
  await withinLimit(10, calm, abort => {
    received = abort;
    return never();
  }).catch(() => {});
  expect(received?.aborted).toBe(true);
});

test('holds through garbage collections', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let ended = 0;
  for (let n = 0; n < 10; n++) withinLimit(200, calm, never).catch(() => ended++);
  for (let n = 0; n < 5; n++) {
    await sleep(20);
    collect();
  }
  await sleep(400);
  expect(ended).toBe(10);
});
