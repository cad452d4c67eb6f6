import { describe, expect, it } from 'vitest';
import { hashPassword, requireGoodPassword, verifyPassword } from './passwords.ts';

const milliseconds = async (work: () => Promise<unknown>): Promise<number> => {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
};

describe('a password', () => {
  it('is verified with the parameters of its hash, in any Unicode form', async () => {
    const hash = await hashPassword('Zoë über Ⅸ');
    expect(await verifyPassword('Zoe\u0308 u\u0308ber IX', hash)).toBe(true);
    expect(await verifyPassword('Zoe über Ⅸ', hash)).toBe(false);
    // A hash of an earlier version, with fewer rounds.
    const weak = '$scrypt$ln=10,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA';
    expect(await verifyPassword('anything', weak)).toBe(false);
    for (const broken of ['', 'plain', '$scrypt$ln=15$x', null])
      expect(await verifyPassword('', broken), String(broken)).toBe(false);
  });

  it('takes as long to check where there is none', async () => {
    const hash = await hashPassword('a long secret');
    const known: number[] = [];
    const unknown: number[] = [];
    for (let n = 0; n < 4; n++) {
      known.push(await milliseconds(() => verifyPassword('wrong', hash)));
      unknown.push(await milliseconds(() => verifyPassword('wrong', null)));
    }
    const ratio = Math.min(...unknown) / Math.min(...known);
    expect(ratio).toBeGreaterThan(0.5);
    expect(ratio).toBeLessThan(2);
  });

  it('is computed for few people at a time', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 40 }, () => verifyPassword('x', '$scrypt$ln=4,r=8,p=1$AAAA$AAAA')),
    );
    const refused = results.filter(result => result.status === 'rejected');
    expect(refused).toHaveLength(8);
    expect(refused[0]?.reason).toMatchObject({ code: 'busy', headers: { 'retry-after': '2' } });
  });

  it('may be any text that is long enough and not obvious', () => {
    const person = { name: 'Li Na', email: 'li.na@example.edu' };
    const accepts = (password: string): boolean => {
      try {
        requireGoodPassword(password, person);
        return true;
      } catch {
        return false;
      }
    };
    for (const good of [
      'correct horse battery',
      '春眠不觉晓处处闻啼鸟',
      'li na likes green tea',
      '        spaced out',
    ])
      expect(accepts(good), good).toBe(true);
    for (const bad of [
      'short',
      'abababababab',
      '0123456789',
      'Password1!',
      'LI NA li na',
      'li.na@example.edu',
      'iloveyou2024',
    ])
      expect(accepts(bad), bad).toBe(false);
  });
});
