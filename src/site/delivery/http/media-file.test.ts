import { describe, expect, it } from 'vitest';
import { newRevisionId, newVideoId } from '../../../protocol/base/ids.ts';
import { parseMediaFile, pathOfUrl } from './media-file.ts';

const KEY = `/v/${newVideoId()}/${newRevisionId()}/source-video/0.m4s`;

describe('parseMediaFile', () => {
  it.each([KEY, KEY.replace('source-video/0.m4s', 'multivariant.m3u8'), KEY.replace('0.m4s', 'init.mp4')])(
    'accepts %s',
    key => expect(parseMediaFile(key)?.key).toBe(key),
  );
  it.each([
    '/v/',
    KEY.replace('0.m4s', '..'),
    KEY.replace('source-video/0.m4s', '../../etc/passwd'),
    KEY.replace('source-video', '%2e%2e'),
    KEY.replace('source-video/', 'source-video%2f'),
    KEY.replace('source-video', 'a/b'),
    KEY.replace('0.m4s', '.m4s'),
    KEY.replace('0.m4s', '0.exe'),
    KEY.toUpperCase(),
    `${KEY}/x`,
    `${KEY}\n`,
    `http://evil${KEY}`,
  ])('rejects %s', key => expect(parseMediaFile(key)).toBeUndefined());
  it('leaves the query out of the key', () => {
    expect(pathOfUrl(`${KEY}?CMCD=br%3D1?x`)).toBe(KEY);
    expect(pathOfUrl(KEY)).toBe(KEY);
  });
});
