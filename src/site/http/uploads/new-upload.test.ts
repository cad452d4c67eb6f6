import { describe, expect, it } from 'vitest';
import { newVideoId } from '../../../protocol/base/ids.ts';
import { parseNewUpload } from './new-upload.ts';

const LIMIT = 1_000;
const PUBLIC = { audience: 'public', groups: [] };
const encode = (values: Record<string, string>): string =>
  Object.entries(values)
    .map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`)
    .join(',');
const parse = (length: string | undefined, metadata: string | undefined, more: Record<string, string> = {}) =>
  parseNewUpload(
    {
      ...(length === undefined ? {} : { 'upload-length': length }),
      ...(metadata === undefined ? {} : { 'upload-metadata': metadata }),
      ...more,
    },
    LIMIT,
    newVideoId(),
  );

describe('the headers of a new upload', () => {
  it('are parsed and normalised', () => {
    const metadata = encode({
      name: ' 讲座 ',
      filename: 'a.mp4',
      description: 'One\r\ntwo',
      language: 'zh-Hans',
    });
    expect(parse('10', metadata).video).toMatchObject({
      name: '讲座',
      fileName: 'a.mp4',
      description: 'One\ntwo',
      language: 'zh-Hans',
      sizeBytes: 10,
    });
  });

  it('make the video public, unless they say that it is private', () => {
    expect(parse('10', encode({ name: 'x' })).video?.audience).toEqual(PUBLIC);
    expect(parse('10', encode({ name: 'x', visibility: 'public' })).video?.audience).toEqual(PUBLIC);
    expect(parse('10', encode({ name: 'x', visibility: 'private' })).video?.audience).toEqual({
      audience: 'private',
      groups: [],
    });
  });

  it('without a length defer it', () => {
    const parsed = parse(undefined, encode({ name: 'x' }), { 'upload-defer-length': '1' });
    expect(parsed).toMatchObject({ upload: { sizeBytes: undefined }, video: { sizeBytes: 0 } });
  });

  it('of a partial upload make no video, and need no name', () => {
    expect(parse('10', undefined, { 'upload-concat': 'partial' })).toMatchObject({
      upload: { concat: 'partial', sizeBytes: 10 },
      video: undefined,
    });
  });

  it.each<[string, string | undefined, string | undefined, number, string]>([
    ['no length', undefined, encode({ name: 'x' }), 400, 'upload-length-needed'],
    ['an invalid length', '1e3', encode({ name: 'x' }), 400, 'upload-length-needed'],
    ['no bytes', '0', encode({ name: 'x' }), 400, 'file-empty'],
    ['too many bytes', '1001', encode({ name: 'x' }), 413, 'upload-too-large'],
    ['no metadata', '10', undefined, 400, 'metadata-invalid'],
    ['an invalid language', '10', encode({ name: 'x', language: 'Chinese!' }), 400, 'metadata-invalid'],
    // A typing error must not make a video public.
    ['an invalid visibility', '10', encode({ name: 'x', visibility: 'Private' }), 400, 'metadata-invalid'],
    [
      'too much metadata',
      '10',
      encode({ name: 'x', description: '讲'.repeat(5_000) }),
      400,
      'metadata-too-large',
    ],
    ['malformed metadata', '10', 'name ***', 400, 'metadata-malformed'],
  ])('with %s are refused', (_what, length, metadata, status, code) => {
    expect(() => parse(length, metadata)).toThrow(expect.objectContaining({ status, code }));
  });
});
