import { describe, expect, it } from 'vitest';
import { findStorageProblem } from './files.ts';

const systemError = (code: string): Error => Object.assign(new Error(`${code}: write`), { code });

describe('an error of a file operation', () => {
  it.each([
    ...['ENOSPC', 'EDQUOT', 'EFBIG'].map(code => [code, 507, 'disk-full'] as const),
    ...['EIO', 'EROFS', 'EACCES', 'EMFILE', 'ENFILE', 'ENOMEM', 'ESTALE', 'ENODEV'].map(
      code => [code, 503, 'storage-failed'] as const,
    ),
  ])('%s is %i %s, also as a cause', (code, status, problem) => {
    expect(findStorageProblem(systemError(code))).toMatchObject({ status, code: problem });
    const outer = new Error('could not store', { cause: systemError(code) });
    expect(findStorageProblem(outer)).toMatchObject({ status, code: problem });
  });

  it.each([
    ['database or disk is full', 'disk-full'],
    ['disk I/O error', 'storage-failed'],
    ['unable to open database file', 'storage-failed'],
  ])('of SQLite is recognised by its message: %s', (message, code) =>
    expect(findStorageProblem(new Error(message))).toMatchObject({ code }),
  );

  it('has a time after which the client may try again', () => {
    expect(findStorageProblem(systemError('EIO'))?.headers).toEqual({ 'retry-after': '5' });
  });

  it.each([systemError('ENOENT'), systemError('ECONNREFUSED'), new Error('disk'), 'ENOSPC', undefined])(
    'is not seen in %s',
    error => expect(findStorageProblem(error)).toBeUndefined(),
  );
});
