import { describe, expect, it } from 'vitest';
import { parseNewUpload } from './uploads.ts';

const LIMIT = 1_000;
const encode = (values: Record<string, string>): string =>
  Object.entries(values)
    .map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`)
    .join(',');
const parse = (length: string | undefined, metadata: string | undefined) =>
  parseNewUpload(
    {
      ...(length === undefined ? {} : { 'upload-length': length }),
      ...(metadata === undefined ? {} : { 'upload-metadata': metadata }),
    },
    LIMIT,
  );

describe('what an upload says of itself', () => {
  it('is parsed and normalised', () => {
    const metadata = encode({
      name: ' 讲座 ',
      filename: 'a.mp4',
      description: 'One\r\ntwo',
      language: 'zh-Hans',
    });
    expect(parse('10', metadata)).toMatchObject({
      name: '讲座',
      fileName: 'a.mp4',
      description: 'One\ntwo',
      language: 'zh-Hans',
      sizeBytes: 10,
    });
  });

  it('is public unless it says that it is private', () => {
    expect(parse('10', encode({ name: 'x' })).isPrivate).toBe(false);
    expect(parse('10', encode({ name: 'x', visibility: 'public' })).isPrivate).toBe(false);
    expect(parse('10', encode({ name: 'x', visibility: 'private' })).isPrivate).toBe(true);
  });

  it.each<[string, string | undefined, string | undefined, number, string]>([
    ['no length', undefined, encode({ name: 'x' }), 400, 'upload-length-needed'],
    ['a length that is none', '1e3', encode({ name: 'x' }), 400, 'upload-length-needed'],
    ['no bytes', '0', encode({ name: 'x' }), 400, 'file-empty'],
    ['too many bytes', '1001', encode({ name: 'x' }), 413, 'upload-too-large'],
    ['no metadata', '10', undefined, 400, 'metadata-invalid'],
    ['a language that is none', '10', encode({ name: 'x', language: 'Chinese!' }), 400, 'metadata-invalid'],
    // Not public by a slip of the pen.
    [
      'a visibility that is none',
      '10',
      encode({ name: 'x', visibility: 'Private' }),
      400,
      'metadata-invalid',
    ],
    [
      'too much metadata',
      '10',
      encode({ name: 'x', description: 'y'.repeat(4_000) }),
      400,
      'metadata-too-large',
    ],
    ['metadata that is none', '10', 'name ***', 400, 'metadata-malformed'],
  ])('with %s is refused', (_what, length, metadata, status, code) => {
    expect(() => parse(length, metadata)).toThrow(expect.objectContaining({ status, code }));
  });
});
