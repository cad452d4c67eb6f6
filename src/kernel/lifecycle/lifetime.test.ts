import { describe, expect, it, vi } from 'vitest';
import type { Log } from '../log.ts';
import { createLifetime, startPart } from './lifetime.ts';

const recordingLog = () => {
  const failures: string[] = [];
  const log = { error: vi.fn(({ step }: { step: string }) => failures.push(step)) } as unknown as Log;
  return { log, failures };
};

describe('a lifetime', () => {
  it('stops in reverse order, each step after the one before has ended', async () => {
    const events: string[] = [];
    const lifetime = createLifetime(recordingLog().log);
    for (const name of ['database', 'server', 'loop']) {
      lifetime.add(name, async () => {
        events.push(`${name} begins`);
        await Promise.resolve();
        events.push(`${name} ends`);
      });
    }
    await lifetime.stop();
    expect(events).toEqual([
      ...['loop begins', 'loop ends', 'server begins', 'server ends'],
      ...['database begins', 'database ends'],
    ]);
  });

  it('runs every step although some throw, reject or hang, and logs those by name', async () => {
    const { log, failures } = recordingLog();
    const lifetime = createLifetime(log, { stepLimitMs: 20 });
    const first = vi.fn();
    lifetime.add('first', first);
    lifetime.add('throws', () => {
      throw new Error('no');
    });
    lifetime.add('rejects', () => Promise.reject(new Error('no')));
    lifetime.add('hangs', () => new Promise(() => undefined));
    await lifetime.stop();
    expect(first).toHaveBeenCalledOnce();
    expect(failures).toEqual(['hangs', 'rejects', 'throws']);
  });

  it('gives a step the time that it was registered with', async () => {
    const { log, failures } = recordingLog();
    const lifetime = createLifetime(log, { stepLimitMs: 20 });
    lifetime.add('slow', () => new Promise(resolve => setTimeout(resolve, 60)), 5_000);
    await lifetime.stop();
    expect(failures).toEqual([]);
  });

  it('runs each step once, however often it is stopped', async () => {
    const stop = vi.fn();
    const lifetime = createLifetime(recordingLog().log);
    lifetime.add('only', stop);
    await Promise.all([lifetime.stop(), lifetime.stop()]);
    await lifetime.stop();
    expect(stop).toHaveBeenCalledOnce();
  });
});

describe('startPart', () => {
  it('releases everything that a failed start has opened, and reports the error of the start', async () => {
    const { log, failures } = recordingLog();
    const released: string[] = [];
    const failure = new Error('port in use');
    await expect(
      startPart({ part: 'site', log }, async lifetime => {
        lifetime.add('database', () => released.push('database'));
        lifetime.add('socket', () => {
          released.push('socket');
          throw new Error('already closed');
        });
        throw failure;
      }),
    ).rejects.toBe(failure);
    expect(released).toEqual(['socket', 'database']);
    expect(failures).toEqual(['socket']);
  });

  it('returns the started part with a stop', async () => {
    const release = vi.fn();
    const info = vi.fn();
    const log = { info } as unknown as Log;
    const part = await startPart({ part: 'site', log }, async lifetime => {
      lifetime.add('server', release);
      return { url: 'http://127.0.0.1:1' };
    });
    expect(part.url).toBe('http://127.0.0.1:1');
    await part.stop();
    expect(release).toHaveBeenCalledOnce();
    expect(info.mock.calls).toEqual([[{}, 'site has stopped']]);
  });
});
