import { expect, it, vi } from 'vitest';
import { silentLog } from '../log.ts';
import type { Clock } from './clock.ts';
import { type MemberLoopOptions, memberLoop } from './member-loop.ts';

/** A clock whose time passes only in `pass`; it records the delays that were asked for. */
function manualClock() {
  const delays: number[] = [];
  let due: (() => void) | undefined;
  const clock: Clock = {
    now: () => 0,
    after(ms, work) {
      delays.push(ms);
      due = work;
      return () => {
        due = undefined;
      };
    },
  };
  const pass = async (): Promise<void> => {
    const work = due;
    due = undefined;
    work?.();
    await vi.waitFor(() => expect(due).toBeDefined());
  };
  return { clock, delays, pass, started: () => vi.waitFor(() => expect(due).toBeDefined()) };
}

const options = (more: Partial<MemberLoopOptions<string>>): MemberLoopOptions<string> => ({
  name: 'reading',
  peer: () => 'central',
  everyMs: 1_000,
  log: silentLog,
  ...more,
});

it('waits as long as the work asks, or for its own interval', async () => {
  const { clock, delays, pass, started } = manualClock();
  const results = [undefined, 0, 250];
  const loop = memberLoop(options({ clock }), async peer => {
    expect(peer).toBe('central');
    return results.shift();
  });
  await started();
  await pass();
  await pass();
  expect(delays).toEqual([1_000, 0, 250]);
  await loop.stop();
});

it('does nothing until the member has joined', async () => {
  const { clock, delays, pass, started } = manualClock();
  let central: string | undefined;
  const work = vi.fn(async () => 5);
  const loop = memberLoop(options({ clock, peer: () => central, whenNotJoinedMs: 70 }), work);
  await started();
  expect(work).not.toHaveBeenCalled();
  central = 'central';
  await pass();
  expect(work).toHaveBeenCalledOnce();
  expect(delays).toEqual([70, 5]);
  await loop.stop();
});

it('continues after a failure, and logs each new reason once', async () => {
  const { clock, delays, pass, started } = manualClock();
  const reasons = ['down', 'down', 'refused', undefined, 'refused'];
  const warn = vi.fn();
  const loop = memberLoop(options({ clock, retryMs: 30, log: { ...silentLog, warn } }), async () => {
    const reason = reasons.shift();
    if (reason) throw new Error(reason);
    return undefined;
  });
  await started();
  for (let run = 1; run < 5; run++) await pass();
  expect(delays).toEqual([30, 30, 30, 1_000, 30]);
  expect(warn.mock.calls).toEqual([
    [{ reason: 'down' }, 'reading failed; will retry'],
    [{ reason: 'refused' }, 'reading failed; will retry'],
    [{ reason: 'refused' }, 'reading failed; will retry'],
  ]);
  await loop.stop();
});

it('logs once that it works again, after any number of failures', async () => {
  const { clock, pass, started } = manualClock();
  const reasons = ['down', 'refused', undefined, undefined, 'down', undefined, undefined];
  const info = vi.fn();
  const recovered = 'central reached again';
  const loop = memberLoop(options({ clock, recovered, log: { ...silentLog, info } }), async () => {
    const reason = reasons.shift();
    if (reason) throw new Error(reason);
    return undefined;
  });
  await started();
  for (let run = 1; run < 7; run++) await pass();
  expect(info.mock.calls).toEqual([
    [{ failures: 2 }, recovered],
    [{ failures: 1 }, recovered],
  ]);
  await loop.stop();
});

it('waits longer after each failure, if asked to, and starts over after a success', async () => {
  const { clock, delays, pass, started } = manualClock();
  const results = [false, false, true, false];
  const loop = memberLoop(options({ clock, retryMs: failures => 10 * failures }), async () => {
    if (!results.shift()) throw new Error('down');
    return undefined;
  });
  await started();
  for (let run = 1; run < 4; run++) await pass();
  expect(delays).toEqual([10, 20, 1_000, 10]);
  await loop.stop();
});

it('logs failures at the level asked for', async () => {
  const debug = vi.fn();
  const loop = memberLoop(options({ level: 'debug', log: { ...silentLog, debug } }), () =>
    Promise.reject(new Error('down')),
  );
  await vi.waitFor(() =>
    expect(debug).toHaveBeenCalledWith({ reason: 'down' }, 'reading failed; will retry'),
  );
  await loop.stop();
});

it('logs nothing when a stop ends the work', async () => {
  const warn = vi.fn();
  const loop = memberLoop(
    options({ log: { ...silentLog, warn } }),
    (_peer, abort) =>
      new Promise((_, reject) => abort.addEventListener('abort', () => reject(new Error('stopped')))),
  );
  await loop.stop();
  expect(warn).not.toHaveBeenCalled();
});
