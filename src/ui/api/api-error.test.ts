import { describe, expect, it } from 'vitest';
import { ApiError, isClientErrorCode, isPermanent, parseProblem } from './api-error.ts';

describe('parseProblem', () => {
  it('reads the code, the detail and Retry-After of problem+json', () => {
    const error = parseProblem(503, '{"code":"no-source","detail":"No site has it."}', '7');
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      status: 503,
      code: 'no-source',
      message: 'No site has it.',
      retryAfterSeconds: 7,
    });
  });
  it('ignores a Retry-After that is a date', () => {
    const date = 'Wed, 21 Oct 2026 07:28:00 GMT';
    expect(parseProblem(503, '{"code":"busy"}', date).retryAfterSeconds).toBeUndefined();
  });
  it.each([
    [507, 'The disk is full.', 'refused', 'The disk is full.'],
    [502, '<html>bad gateway</html>', 'unreadable', ''],
    [502, 'x'.repeat(300), 'unreadable', ''],
    [500, '', 'unreadable', ''],
    [500, '{"no":"code"}', 'unreadable', ''],
    [500, '{"code":7}', 'unreadable', ''],
    [500, 'null', 'unreadable', ''],
    [409, '{"code":"site-busy","detail":7}', 'site-busy', ''],
  ])('%i %s', (status, text, code, message) => {
    expect(parseProblem(status, text)).toMatchObject({ status, code, message });
  });
});

describe('kinds of errors', () => {
  it.each([
    [401, false],
    [403, true],
    [404, true],
    [410, true],
    [409, false],
    [503, false],
    [0, false],
  ])('status %i: permanent %s', (status, permanent) => {
    expect(isPermanent(new ApiError(status, 'any', ''))).toBe(permanent);
  });
  it('an error of the page itself is not permanent', () => {
    expect(isPermanent(new Error('x'))).toBe(false);
  });
  it('knows its own codes, and no inherited names', () => {
    expect(['network', 'video-unknown', 'toString'].map(isClientErrorCode)).toEqual([true, false, false]);
  });
});
