import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { UploadLocks } from './upload-locks.ts';

const never = new AbortController().signal;
const ignore = (): void => {};

describe('the lock of an upload', () => {
  it('is granted in the order of the requests, and asks each holder once for each that waits', async () => {
    const locks = new UploadLocks();
    const [first, second, third] = [locks.newLock('a'), locks.newLock('a'), locks.newLock('a')];
    const release = vi.fn();
    const releaseSecond = vi.fn();
    const order: number[] = [];
    await first.lock(never, release);
    const granted = [
      second.lock(never, releaseSecond).then(() => order.push(2)),
      third.lock(never, ignore).then(() => order.push(3)),
    ];
    await sleep(5);
    expect([release.mock.calls.length, releaseSecond.mock.calls.length, order]).toEqual([2, 0, []]);
    await first.unlock();
    await granted[0];
    expect([releaseSecond.mock.calls.length, order]).toEqual([1, [2]]);
    await second.unlock();
    await granted[1];
    await third.unlock();
    // Free again.
    await locks.newLock('a').lock(never, ignore);
  });

  it('of another upload is independent', async () => {
    const locks = new UploadLocks();
    await locks.newLock('a').lock(never, ignore);
    await locks.newLock('b').lock(never, ignore);
  });

  it('does not occupy the thread while a request waits', async () => {
    const locks = new UploadLocks();
    const holder = locks.newLock('a');
    await holder.lock(never, ignore);
    const waiting = locks.newLock('a').lock(never, ignore);
    const before = process.cpuUsage();
    await sleep(200);
    const { user, system } = process.cpuUsage(before);
    // Polling would use all of the time.
    expect(user + system).toBeLessThan(100_000);
    await holder.unlock();
    await waiting;
  });

  it('is refused with 423 after a while, or when the request ends, and the next request still gets it', async () => {
    const locks = new UploadLocks(20);
    const holder = locks.newLock('a');
    await holder.lock(never, ignore);
    await expect(locks.newLock('a').lock(never, ignore)).rejects.toMatchObject({
      status: 423,
      code: 'upload-busy',
    });
    const abort = new AbortController();
    const aborted = locks.newLock('a').lock(abort.signal, ignore);
    abort.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'upload-busy' });
    const next = locks.newLock('a').lock(never, ignore);
    await holder.unlock();
    await next;
  });
});
