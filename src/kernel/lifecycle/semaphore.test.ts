import { expect, it } from 'vitest';
import { Semaphore } from './semaphore.ts';

/** Work that ends when the test calls `end`. */
function startWork(semaphore: Semaphore, name: string, log: string[]) {
  let end = (): void => {};
  const done = semaphore.run(async () => {
    log.push(name);
    await new Promise<void>((resolve, reject) => {
      end = name.startsWith('failing') ? () => reject(new Error(name)) : resolve;
    });
  });
  return { done, end: () => end() };
}

it('runs as much work as it has permits, and the queue in order', async () => {
  const semaphore = new Semaphore(2, 2);
  const log: string[] = [];
  const [first, second, third, fourth] = ['first', 'second', 'third', 'fourth'].map(name =>
    startWork(semaphore, name, log),
  );
  expect([log, semaphore.isFull]).toEqual([['first', 'second'], true]);
  second?.end();
  await second?.done;
  await expect.poll(() => log).toEqual(['first', 'second', 'third']);
  expect(semaphore.isFull).toBe(false);
  first?.end();
  await expect.poll(() => log).toEqual(['first', 'second', 'third', 'fourth']);
  third?.end();
  fourth?.end();
  await Promise.all([first?.done, third?.done, fourth?.done]);
});

it('returns the permit of work that fails', async () => {
  const semaphore = new Semaphore(1, 0);
  const failing = startWork(semaphore, 'failing', []);
  expect(semaphore.isFull).toBe(true);
  failing.end();
  await expect(failing.done).rejects.toThrow('failing');
  expect(semaphore.isFull).toBe(false);
  await expect(semaphore.run(async () => 'result')).resolves.toBe('result');
});
