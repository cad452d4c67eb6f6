import { describe, expect, it } from 'vitest';
import type { SiteVideo } from '../../protocol/site.ts';
import type { UploadList } from './uploads/upload-list.ts';
import { findChanged, listOtherVideos, mapStatuses } from './video-list.ts';

const video = (id: string, state: SiteVideo['state']): SiteVideo =>
  ({ id, state, receivedBytes: 1, sizeBytes: 1 }) as unknown as SiteVideo;
const uploads = [{ videoId: 'a' }, { videoId: undefined }] as unknown as UploadList;

describe('the videos of a site', () => {
  it('leave out those that this tab uploads', () => {
    const videos = [video('a', 'uploading'), video('b', 'uploading'), video('c', 'ready')];
    expect(listOtherVideos(videos, uploads).map(({ id }) => id)).toEqual(['b', 'c']);
    // The bytes have arrived, and the row of the upload is about to disappear.
    expect(listOtherVideos([video('a', 'checking')], uploads).length).toBe(1);
  });
  it('announce nothing for the first list', () => {
    const videos = [video('a', 'ready')];
    expect(findChanged(videos, undefined, mapStatuses(videos, true))).toBeUndefined();
  });
  it('announce a new status and a new video', () => {
    const before = mapStatuses([video('a', 'checking'), video('b', 'ready')], true);
    const find = (videos: readonly SiteVideo[]) => findChanged(videos, before, mapStatuses(videos, true))?.id;
    expect(find([video('a', 'checking'), video('b', 'ready')])).toBeUndefined();
    expect(find([video('a', 'preparing'), video('b', 'ready')])).toBe('a');
    expect(find([video('c', 'uploading'), video('a', 'checking')])).toBe('c');
  });
});
