/** A site's conversions with the real parts: database, storage, ffmpeg. What comes out is looked at as it is served. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { film, openWorkshop, type Workshop } from '../../../test/media/workshop.ts';

let workshop: Workshop;
beforeAll(async () => {
  workshop = await openWorkshop({ oneByOne: true });
});
afterAll(() => workshop.close());

describe('a source that no browser can play', () => {
  it('is published while its first rung grows, then gets the rungs above', async () => {
    const source = film('mpeg4-36.avi', [
      ...['-f', 'lavfi', '-i', 'testsrc2=s=320x240:r=10:d=36', '-f', 'lavfi', '-i', 'sine=440:r=44100:d=36'],
      ...['-c:v', 'mpeg4', '-q:v', '9', '-g', '60', '-c:a', 'mp2'],
    ]);
    const video = await workshop.upload(source);
    const ready = await workshop.settle(video);
    expect(ready.state).toBe('ready');
    const revisions = await workshop.db
      .selectFrom('revisions')
      .select('id')
      .where('video_id', '=', video)
      .orderBy('id')
      .execute();
    expect(revisions).toHaveLength(2);
    // The first revision goes on for those who are watching it.
    await workshop.present(video, revisions[0]?.id ?? null, async old => {
      expect(old.timeline.durationMs).toBe(32_000);
      expect(await old.file('h264-240/7.m4s')).toBeDefined();
      expect(await old.file('h264-240/8.m4s')).toBeUndefined();
    });
    await workshop.present(video, ready.revision, async whole => {
      expect(whole.renditions.map(({ id }) => id)).toEqual(['h264-240', 'aac-audio']);
      expect(await whole.file('h264-240/8.m4s')).toBeDefined();
    });
  });
});
