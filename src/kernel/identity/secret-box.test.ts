import { describe, expect, it } from 'vitest';
import { createSecretBox } from './secret-box.ts';

describe('a secret box', () => {
  const box = createSecretBox('a'.repeat(43));
  const secret = 'postgres://central:密码@db.example/site';

  it('decrypts what it encrypted, and encrypts equal texts differently', () => {
    const encrypted = box.encrypt(secret);
    expect(box.decrypt(encrypted)).toBe(secret);
    expect(encrypted).not.toBe(box.encrypt(secret));
    expect(Buffer.from(encrypted, 'base64url').toString('latin1')).not.toContain('central');
  });

  it('rejects texts that were altered, truncated or encrypted with another key', () => {
    const encrypted = Buffer.from(box.encrypt(secret), 'base64url');
    for (const at of [0, 15, 40]) {
      const altered = Buffer.from(encrypted);
      altered[at]! ^= 1;
      expect(() => box.decrypt(altered.toString('base64url'))).toThrow();
    }
    expect(() => box.decrypt(encrypted.subarray(0, 20).toString('base64url'))).toThrow();
    expect(() => createSecretBox('b'.repeat(43)).decrypt(box.encrypt(secret))).toThrow();
  });
});
