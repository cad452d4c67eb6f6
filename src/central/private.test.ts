/** Private videos at central: nobody finds them without a right, and members learn of them (docs/private-videos.md). */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { VideoId } from '../protocol/ids.ts';
import { type Stand, startStand, tombstone, videoRecord } from './stand.ts';

let stand: Stand;
beforeEach(async () => {
  stand = await startStand();
});
afterEach(() => stand.end());

const namesFor = async (token: string | null | undefined, query = ''): Promise<string[]> =>
  (await stand.ask('GET', `/api/videos${query}`, { token: token as string | null })).body.videos.map(
    (video: { name: string }) => video.name,
  );
const statusFor = async (video: VideoId, token?: null): Promise<number> =>
  (await stand.ask('GET', `/api/videos/${video}`, token === null ? { token } : {})).status;

describe('a private video', () => {
  it('is in no list, search or answer of strangers, and in all of an operator’s, marked', async () => {
    const site = await stand.addSite('a');
    const open = site.put(videoRecord({ name: 'Open lecture' }));
    const closed = site.put(videoRecord({ name: 'Closed lecture', visibility: 'private' }));
    await site.collect();
    expect(await namesFor(null)).toEqual(['Open lecture']);
    expect(await namesFor(null, '?q=closed')).toEqual([]);
    expect(await namesFor(null, `?site=${site.id}`)).toEqual(['Open lecture']);
    expect(await namesFor('a-wrong-token')).toEqual(['Open lecture']);
    expect((await namesFor(undefined)).sort()).toEqual(['Closed lecture', 'Open lecture']);
    const unknown = await stand.ask('GET', `/api/videos/${open.video.replace(/.$/, 'f')}`, { token: null });
    const refused = await stand.ask('GET', `/api/videos/${closed.video}`, { token: null });
    // Nothing tells it from one that does not exist.
    expect([refused.status, refused.body]).toEqual([404, unknown.body]);
    expect((await stand.ask('GET', `/api/videos/${closed.video}`)).body).toMatchObject({
      name: 'Closed lecture',
      visibility: 'private',
    });
    expect((await stand.ask('GET', `/api/videos/${open.video}`)).body.visibility).toBeUndefined();
  });

  it('is told to trackers as one, and by its next version it may be public, and private again', async () => {
    const site = await stand.addSite('a');
    const tracker = await stand.addTracker('tracker');
    const record = videoRecord({ visibility: 'private' });
    site.put(record);
    await site.collect();
    const isPrivate = async () =>
      (await tracker.changesOf(0))
        .map(change => change.kind === 'video' && (change.isPrivate ?? false))
        .at(-1);
    expect([await isPrivate(), await statusFor(record.video, null)]).toEqual([true, 404]);
    const { visibility: _, ...open } = record;
    site.put({ ...open, version: 2 });
    await site.collect();
    expect([await isPrivate(), await statusFor(record.video, null)]).toEqual([false, 200]);
    site.put({ ...record, version: 3 });
    await site.collect();
    expect([await isPrivate(), await statusFor(record.video, null)]).toEqual([true, 404]);
  });

  it('does not come into sight by being withdrawn', async () => {
    const site = await stand.addSite('a');
    const record = videoRecord({ visibility: 'private' });
    site.put(record);
    await site.collect();
    site.put(tombstone(record.video, 2));
    await site.collect();
    expect(await statusFor(record.video, null)).toBe(404);
    expect(await statusFor(record.video)).toBe(410);
  });
});
