import { expect, it } from 'vitest';
import type { AuditEvent } from '../../protocol/people/audit.ts';
import type { Clock } from '../lifecycle/clock.ts';
import { createRepetitionCounter } from './repetitions.ts';

function createCounted(limits = { maxActors: 3, maxObjects: 2 }) {
  const written: AuditEvent[] = [];
  const timers = new Set<() => void>();
  const clock: Clock = {
    now: () => Date.UTC(2026, 11, 1),
    after(_, work) {
      timers.add(work);
      return () => timers.delete(work);
    },
  };
  const counter = createRepetitionCounter(event => void written.push(event), limits, clock);
  return {
    written,
    endMinute: () => {
      for (const end of [...timers]) end();
    },
    refuse: (id: string, object: string, request?: string) =>
      counter.add({
        at: '2026-12-01T00:00:00.000Z',
        who: { kind: 'person', id },
        action: 'access.refused',
        object,
        ...(request === undefined ? {} : { after: { request } }),
      }),
  };
}

it('writes the first event at once, and one more with the number of those like it', () => {
  const { written, refuse, endMinute } = createCounted();
  for (let count = 0; count < 1_000; count++) refuse('a', 'video:1');
  expect(written).toHaveLength(1);
  endMinute();
  expect(written).toHaveLength(2);
  expect(written[1]).toMatchObject({ object: 'video:1', after: { repeated: 999 } });
  refuse('a', 'video:1');
  endMinute();
  expect(written).toHaveLength(3);
});

it('is bounded if the objects and the people differ', () => {
  const { written, refuse, endMinute } = createCounted();
  for (let person = 0; person < 100; person++)
    for (let video = 0; video < 100; video++) refuse(`p${person}`, `video:${video}`);
  endMinute();
  expect(written.length).toBeLessThan(25);
  const repeated = written.reduce(
    (sum, { after }) => sum + ((after as { repeated?: number } | undefined)?.repeated ?? 1),
    0,
  );
  expect(repeated).toBe(10_000);
});

it('counts only the same request about an object', () => {
  const { written, refuse, endMinute } = createCounted();
  for (let count = 0; count < 5; count++)
    for (const request of ['DELETE /api/videos/1', 'PATCH /api/videos/1']) refuse('a', 'video:1', request);
  expect(written.map(({ after }) => after)).toEqual([
    { request: 'DELETE /api/videos/1' },
    { request: 'PATCH /api/videos/1' },
  ]);
  endMinute();
  expect(written.slice(2).map(({ after }) => after)).toEqual([{ repeated: 4 }, { repeated: 4 }]);
});
