import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isPlaceholder } from './placeholder.ts';
import { databaseSetting, joinTokenSetting, tokenSetting } from './settings.ts';

describe('a placeholder', () => {
  it.each([
    'replace-me-with-a-long-random-token',
    'REPLACE_ME_NOW_PLEASE',
    'paste-the-join-token-here',
    'changemechangeme',
    'change-me-0123456789',
    'change this token',
    'your-operator-token',
    'insert-your-token-now',
    'operator-token-goes-here',
    'a-long-random-token',
    'placeholder-placeholder',
    'example-operator-token',
    '<operator-token-of-central>',
    '$OPERATOR_TOKEN_OF_CENTRAL',
    '{{ operator_token_value }}',
    '[operator token of central]',
    'xxxxxxxxxxxxxxxxxxxxxxxx',
    '****************',
    '0000000000000000',
    '1212121212121212',
    '…',
    '..................',
  ])('is %s', text => expect(isPlaceholder(text)).toBe(true));

  it.each([
    '0123456789abcdef',
    'operator-token-of-the-package',
    'a-token-for-this-test',
    'correct-horse-battery-staple',
    '',
  ])('is not "%s"', text => expect(isPlaceholder(text)).toBe(false));

  it('is no random token', () => {
    for (let i = 0; i < 2_000; i++) {
      expect(isPlaceholder(randomBytes(24).toString('hex'))).toBe(false);
      expect(isPlaceholder(randomBytes(32).toString('base64url'))).toBe(false);
    }
  });
});

describe('a secret in a configuration', () => {
  it.each([
    [tokenSetting, 'replace-me-with-a-long-random-token', 'is a placeholder'],
    [tokenSetting, 'short', 'at least 16 characters'],
    [tokenSetting, 'a token with spaces in it', 'without spaces'],
    [tokenSetting, 'a-token-with-umlauts-äöü', 'only ASCII'],
    [tokenSetting, `long${'0123456789'.repeat(100)}`, 'at most 1000 characters'],
    [joinTokenSetting, 'paste-the-join-token-here', 'is a placeholder'],
    [joinTokenSetting, 'abc123def456789', 'must have 16 to 200 characters'],
    [databaseSetting, 'postgres://tributary:replace-me@db.example.edu:5432/site', 'placeholder'],
    [databaseSetting, 'postgres://tributary:<password>@db.example.edu:5432/site', 'placeholder'],
  ])('%# is refused', (schema, text, expected) => {
    expect(
      schema
        .safeParse(text)
        .error?.issues.map(issue => issue.message)
        .join(' '),
    ).toContain(expected);
  });

  it.each([
    'postgres://tributary:%zz@db.example.edu/site',
    'postgres://tributary@db.example.edu/site',
    'postgres://db.example.edu/site',
  ])('a database without one is accepted: %s', url => {
    expect(databaseSetting.safeParse(url).success).toBe(true);
  });
});
