import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeDatabase, type TestDatabase } from '../../../test/support/postgres/databases.ts';
import { openDatabase } from '../../kernel/sql/sql.ts';
import { newVideoId, type VideoId } from '../../protocol/base/ids.ts';
import {
  type ClaimedStep,
  cancelJob,
  claimStep,
  completeStep,
  deleteJobs,
  failStep,
  insertJob,
  keepStep,
  LEASE_MS,
  listJobProgress,
  MAX_ATTEMPTS,
  type NewJob,
  releaseOwned,
  releaseStep,
  retryJob,
  setJobPriority,
} from './jobs.ts';
import { type JobRow, type SiteSchema, siteMigrations } from './tables/schema.ts';
import { insertVideo, type SiteDatabase } from './tables/videos.ts';

let database: TestDatabase;
let db: SiteDatabase;
let video: VideoId;
let nowMs = 1_000_000;
const setAside: JobRow[] = [];
beforeEach(async () => {
  database = await makeDatabase();
  db = await openDatabase<SiteSchema>(database.place, siteMigrations);
  video = newVideoId();
  const text = { name: 'A video', description: '', language: undefined, fileName: undefined };
  await insertVideo(db, { id: video, ...text, sizeBytes: 9 });
  setAside.length = 0;
});
afterEach(async () => {
  await db.destroy();
  await database.drop();
});

const add = (more: Partial<NewJob> = {}): Promise<string> =>
  db.transaction().execute(transaction =>
    insertJob(transaction, {
      video,
      kind: 'ladder',
      urgency: 1,
      needs: ['libx264'],
      plan: {},
      steps: [
        { kind: 'encode', after: 0, mediaMs: 32_000 },
        { kind: 'encode', after: 0, mediaMs: 8_000 },
        { kind: 'publish', after: 2, mediaMs: 0 },
      ],
      ...more,
    }),
  );
const claim = (
  owner = 'one',
  can: (need: string) => boolean = () => true,
): Promise<ClaimedStep | undefined> =>
  claimStep(db, { owner, can, nowMs }, async job => {
    setAside.push(job);
  });
const need = async (owner?: string): Promise<ClaimedStep> => {
  const claimed = await claim(owner);
  if (!claimed) throw new Error('nothing to claim');
  return claimed;
};
const progress = async (id: string) => (await listJobProgress(db, { job: id, limit: 1 }))[0];

describe('leases', () => {
  it('are given for each step to one worker, in order, and last for steps that wait for others', async () => {
    await add();
    const first = await need('one');
    const second = await need('two');
    expect([first.step.number, second.step.number]).toEqual([0, 1]);
    expect(await claim('three')).toBeUndefined();
    expect(await completeStep(db, second, { file: 'b' })).toBe(true);
    expect(await claim('three')).toBeUndefined();
    expect(await completeStep(db, first, { file: 'a' })).toBe(true);
    expect((await need('three')).step).toMatchObject({ number: 2, kind: 'publish', attempts: 1 });
  });

  it('are given to one of many workers that claim at once', async () => {
    await add({ steps: [{ kind: 'encode', after: 0, mediaMs: 1 }] });
    const claims = await Promise.all(Array.from({ length: 8 }, (_, i) => claim(`worker-${i}`)));
    expect(claims.filter(Boolean)).toHaveLength(1);
  });

  it('expire when a worker does not extend them, and its result is then rejected', async () => {
    await add();
    const lost = await need('silent');
    nowMs += LEASE_MS - 1;
    expect((await claim('other'))?.step.number).toBe(1);
    nowMs += 2;
    const again = await need('other');
    expect(again.step).toMatchObject({ number: 0, attempts: 2, owner: 'other' });
    expect(await keepStep(db, lost, { nowMs, doneMs: 5, speed: 1 })).toBe(false);
    expect(await completeStep(db, lost, {})).toBe(false);
    expect(await completeStep(db, again, {})).toBe(true);
  });

  it('last as long as their worker extends them, and show its progress', async () => {
    const id = await add();
    const claimed = await need();
    for (let i = 0; i < 3; i++) {
      nowMs += LEASE_MS - 1;
      expect(await keepStep(db, claimed, { nowMs, doneMs: 8_000, speed: 2.5 })).toBe(true);
    }
    expect(await progress(id)).toMatchObject({
      media_ms: 40_000,
      done_ms: 8_000,
      speed_milli: 2_500,
      leased: 1,
    });
  });

  it('written by a clock that was set back since do not block a step for a day', async () => {
    await add({ steps: [{ kind: 'encode', after: 0, mediaMs: 1 }] });
    const day = 24 * 3_600_000;
    nowMs += day;
    await need('killed');
    nowMs -= day;
    const again = await need('other');
    expect(again.step).toMatchObject({ number: 0, attempts: 2 });
    nowMs += day;
    await failStep(db, again, 'busy', nowMs);
    nowMs -= day;
    expect((await need('other')).step).toMatchObject({ number: 0, attempts: 3 });
  });

  it('are released at once by a worker that starts again under its name, with the attempt counted', async () => {
    await add();
    await need('site');
    await releaseOwned(db, 'site');
    expect((await need('site')).step).toMatchObject({ number: 0, attempts: 2 });
  });

  it('released without an attempt are not counted', async () => {
    await add();
    await releaseStep(db, await need());
    expect((await need()).step).toMatchObject({ number: 0, attempts: 1 });
  });
});

describe('a step that goes wrong', () => {
  it('waits without a counted attempt if the step is not at fault', async () => {
    await add();
    const first = await claim();
    await releaseStep(db, first as ClaimedStep, nowMs + 5_000);
    const second = await claim();
    expect(second?.step.number).not.toBe(first?.step.number);
    nowMs += 5_001;
    const again = await claim();
    expect([again?.step.number, again?.step.attempts]).toEqual([first?.step.number, 1]);
  });

  it('is set aside with its reason after the last attempt, and not before', async () => {
    const id = await add();
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      nowMs += 60_000;
      const claimed = await need();
      expect(claimed.step).toMatchObject({ number: 0, attempts: attempt });
      const aside = await failStep(db, claimed, 'no space', nowMs);
      expect(aside?.state).toBe(attempt === MAX_ATTEMPTS ? 'set-aside' : undefined);
    }
    nowMs += 60_000;
    expect(await claim()).toBeUndefined();
    expect(await progress(id)).toMatchObject({ state: 'set-aside', error: 'no space' });
    // A retry in the studio resets the attempts.
    expect(await retryJob(db, id)).toBe(true);
    expect((await need()).step).toMatchObject({ number: 0, attempts: 1 });
  });

  it('is set aside, too, if it kills its worker every time', async () => {
    const id = await add({ steps: [{ kind: 'encode', after: 0, mediaMs: 1 }] });
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      await need(`doomed-${attempt}`);
      nowMs += LEASE_MS + 1;
    }
    expect(await claim('careful')).toBeUndefined();
    expect(setAside.map(job => job.id)).toEqual([id]);
    expect((await progress(id))?.error).toMatch(/stopped 3 times/);
  });

  it('waits before it is retried', async () => {
    await add({ steps: [{ kind: 'encode', after: 0, mediaMs: 1 }] });
    await failStep(db, await need(), 'busy', nowMs);
    expect(await claim()).toBeUndefined();
    nowMs += 60_000;
    expect(await claim()).toBeDefined();
  });
});

describe('the order of jobs', () => {
  it('is by priority, then by steps that people wait for, then by age', async () => {
    const archive = await add({ priority: -10, urgency: 2 });
    const ladder = await add();
    const first = await add({ kind: 'first-rendition', urgency: 2 });
    const order: string[] = [];
    for (let claimed = await claim(); claimed; claimed = await claim()) order.push(claimed.job.id);
    expect([...new Set(order)]).toEqual([first, ladder, archive]);
  });

  it('follows a changed priority', async () => {
    await add();
    const news = await add();
    expect(await setJobPriority(db, news, 10)).toBe(true);
    expect((await need()).job.id).toBe(news);
  });

  it('begins every video before it continues any', async () => {
    const one = await add({ kind: 'first-rendition', urgency: 2 });
    const two = await add({ kind: 'first-rendition', urgency: 2 });
    const order = [await need(), await need(), await need()].map(({ job, step }) => [job.id, step.number]);
    expect(order).toEqual([
      [one, 0],
      [two, 0],
      [one, 1],
    ]);
  });

  it('lets urgent and short jobs overtake on the slot that is reserved for them', async () => {
    const long = await add({ urgency: 1 });
    expect((await need()).job.id).toBe(long);
    const express = () =>
      claimStep(db, { owner: 'express', can: () => true, minUrgency: 2, nowMs }, async () => {});
    expect(await express()).toBeUndefined();
    const short = await add({ urgency: 2 });
    const first = await add({ kind: 'first-rendition', urgency: 3 });
    expect([(await express())?.job.id, (await express())?.job.id]).toEqual([first, short]);
  });

  it('lets short jobs and first renditions overtake a long ladder', async () => {
    const encode = { kind: 'encode', after: 0, mediaMs: 32_000 };
    const long = await add({ steps: Array.from({ length: 6 }, () => encode) });
    expect([(await need()).step.number, (await need()).step.number]).toEqual([0, 1]);
    const short = await add();
    const inspect = await add({ kind: 'inspect', urgency: 2 });
    const first = await add({ kind: 'first-rendition', urgency: 2 });
    const order: string[] = [];
    for (let claimed = await claim(); claimed; claimed = await claim()) order.push(claimed.job.id);
    expect(order.slice(0, 2).sort()).toEqual([inspect, first].sort());
    const ladders = order.filter(id => id === short || id === long);
    expect(ladders.slice(0, 2)).toEqual([short, short]);
    expect(ladders.at(-1)).toBe(long);
  });

  it('lets ladders take turns', async () => {
    const one = await add();
    const two = await add();
    const order: string[] = [];
    for (let claimed = await claim(); claimed; claimed = await claim()) {
      if (claimed.step.kind === 'encode')
        order.push(`${claimed.job.id === one ? 'one' : 'two'} ${claimed.step.number}`);
    }
    expect(two).not.toBe(one);
    expect(order.slice(0, 4)).toEqual(['one 0', 'two 0', 'one 1', 'two 1']);
  });

  it('skips steps that a worker cannot do', async () => {
    await add({ needs: ['libx265'] });
    const other = await add();
    expect((await claim('plain', need => need !== 'libx265'))?.job.id).toBe(other);
  });
});

describe('a job that is cancelled', () => {
  it('reaches the worker of the job, and the job can be retried', async () => {
    const id = await add();
    const claimed = await need();
    expect(await cancelJob(db, id)).toBe(true);
    expect(await keepStep(db, claimed, { nowMs, doneMs: 1, speed: 1 })).toBe(false);
    expect(await claim()).toBeUndefined();
    expect(await retryJob(db, id)).toBe(true);
    expect(await retryJob(db, id)).toBe(false);
    expect((await need()).step.number).toBe(0);
  });

  it('is deleted with its video', async () => {
    const id = await add();
    await deleteJobs(db, video);
    expect(await progress(id)).toBeUndefined();
    expect(await claim()).toBeUndefined();
  });
});
