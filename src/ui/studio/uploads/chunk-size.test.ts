import { DetailedError } from 'tus-js-client';
import { describe, expect, it } from 'vitest';
import { findSmallerChunk, judgeFailure } from './chunk-size.ts';

const failed = (status?: number, body = ''): Error => {
  const error = new DetailedError('failed');
  if (status !== undefined)
    error.originalResponse = {
      getStatus: () => status,
      getBody: () => body,
      getHeader: () => undefined,
      getUnderlyingObject: () => undefined,
    };
  return error;
};
const NGINX = '<html><head><title>413 Request Entity Too Large</title></head></html>';

describe('the size of the requests of an upload', () => {
  it('gets smaller, from below the size that failed, until there is no smaller one', () => {
    const sizes = [Number.POSITIVE_INFINITY, 95_000_000, 60_000_000, 9_000_000, 900_001, 900_000];
    expect(sizes.map(findSmallerChunk)).toEqual([
      95_000_000,
      45_000_000,
      45_000_000,
      900_000,
      900_000,
      undefined,
    ]);
  });

  it.each<[string, Error, number, string]>([
    ['a proxy refuses the size', failed(413, NGINX), 0, 'smaller'],
    ['a proxy refuses the size in plain text', failed(413, 'Payload Too Large'), 0, 'smaller'],
    ['the site refuses the size', failed(413, '{"code":"upload-too-large","detail":"x"}'), 0, 'give-up'],
    ['the connection is lost', failed(), 0, 'same'],
    ['the connection is lost again and again', failed(), 2, 'smaller'],
    ['the site has another offset', failed(409), 0, 'same'],
    ['the upload is in use', failed(423), 0, 'same'],
    ['the site has no space', failed(507), 0, 'same'],
    ['the token is wrong', failed(401), 0, 'give-up'],
  ])('if %s', (_what, error, failures, verdict) => expect(judgeFailure(error, failures)).toBe(verdict));
});
