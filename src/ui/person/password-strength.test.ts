import { describe, expect, it } from 'vitest';
import { ratePassword, strengthValue } from './password-strength.ts';

const LI_NA = ['Li Na', 'li.na@example.edu'];

describe('a new password', () => {
  it.each([
    ['', 'too-short'],
    ['ninechars', 'too-short'],
    ['密码密码密码密码密', 'too-short'],
    ['aaaaaaaaaaaaaaaa', 'weak'],
    ['1234567890', 'weak'],
    ['abcdefghijkl', 'weak'],
    ['Password2026!', 'weak'],
    ['qwerty123456', 'weak'],
    ['ababababababab', 'weak'],
    ['tqmzkwrbxe', 'fair'],
    ['correct-horse-', 'good'],
    ['correct horse battery staple', 'strong'],
    ['河流汇合处的三条小船都停着没有开走', 'strong'],
  ])('%j is %s', (password, strength) => {
    expect(ratePassword(password, [])).toBe(strength);
  });
  it('gets nothing for the name and the address of its person', () => {
    expect(ratePassword('example.edu.7', LI_NA)).toBe('weak');
    expect(ratePassword('Zhang.Wei.Zhang', ['Zhang Wei'])).toBe('weak');
  });
  it('has a value for a meter', () => {
    expect([strengthValue('too-short'), strengthValue('strong')]).toEqual([0, 4]);
  });
});
