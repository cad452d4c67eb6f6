import { describe, expect, it } from 'vitest';
import { estimateJobs, type QueuedJob } from './estimate.ts';

const MINUTE = 60_000;
const job = (id: string, more: Partial<QueuedJob> = {}): QueuedJob => ({
  id,
  kind: 'ladder',
  mediaMs: 10 * MINUTE,
  doneMs: 0,
  workers: 0,
  speed: 0,
  ...more,
});
const usual = new Map([['ladder', 2]]);

describe('the estimated end of a conversion', () => {
  it('is that of its kind when it begins, and follows its own speed later', () => {
    const at = (doneMs: number, nowMs: number) =>
      estimateJobs([job('a', { workers: 1, doneMs, started: { atMs: 0, doneMs: 0 } })], usual, nowMs).get('a')
        ?.leftMs ?? 0;
    expect(at(0, 0)).toBe(5 * MINUTE);
    // It is half as fast as usual: after eight minutes of work, two minutes of video are left.
    expect(at(8 * MINUTE, 8 * MINUTE)).toBeGreaterThan(1.8 * MINUTE);
    expect(at(8 * MINUTE, 8 * MINUTE)).toBeLessThan(2 * MINUTE);
  });

  it('does not jump, whatever the workers report', () => {
    let before: number | undefined;
    for (let second = 1; second < 300; second++) {
      // It stands still for five seconds, and then does ten at once.
      const doneMs = Math.floor(second / 10) * 10_000;
      const speed = second % 10 === 0 ? 40 : 0.1;
      const left = estimateJobs(
        [job('a', { workers: 1, doneMs, speed, started: { atMs: 0, doneMs: 0 } })],
        usual,
        second * 1_000,
      ).get('a')?.leftMs;
      expect(left).toBeDefined();
      if (before !== undefined && left !== undefined) {
        expect(Math.abs(left - before) / before).toBeLessThan(0.25);
      }
      before = left;
    }
  });

  it('counts the work ahead in the queue, and how many jobs run at a time', () => {
    const jobs = [
      job('a', { workers: 1, started: { atMs: 0, doneMs: 0 } }),
      job('b'),
      job('c', { mediaMs: MINUTE }),
    ];
    const one = estimateJobs(jobs, usual, 0);
    expect(one.get('a')).toEqual({ leftMs: 5 * MINUTE });
    expect(one.get('b')).toEqual({ position: 1, leftMs: 10 * MINUTE });
    expect(one.get('c')).toEqual({ position: 2, leftMs: 10.5 * MINUTE });
    const two = estimateJobs([job('z', { workers: 2, started: { atMs: 0, doneMs: 0 } }), ...jobs], usual, 0);
    expect(two.get('b')).toEqual({ position: 1, leftMs: 10 * MINUTE });
  });

  it('is absent while nothing is known, and for jobs behind an unknown one', () => {
    const unknown = estimateJobs([job('a', { kind: 'remux' }), job('b')], usual, 0);
    expect(unknown.get('a')).toEqual({ position: 1 });
    expect(unknown.get('b')).toEqual({ position: 2 });
    // A retried job: the work done before says nothing of its speed.
    const retried = job('c', {
      kind: 'remux',
      workers: 1,
      doneMs: MINUTE,
      started: { atMs: 0, doneMs: MINUTE },
    });
    expect(estimateJobs([retried], new Map(), 5_000).get('c')).toEqual({});
    expect(estimateJobs([{ ...retried, speed: 3 }], new Map(), 0).get('c')).toEqual({ leftMs: 3 * MINUTE });
  });
});
