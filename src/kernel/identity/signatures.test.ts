import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { KeyPair } from './keys.ts';
import { NonceMemory, type SignedParts, signRequest, verifyRequest } from './signatures.ts';

const makeKey = (): KeyPair => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    publicKey: publicKey.export({ format: 'jwk' }).x ?? '',
    privateKey,
    sign: message => sign(null, Buffer.from(message), privateKey),
  };
};

const NOW = Date.UTC(2026, 0, 1);
const key = makeKey();
const parts: SignedParts = {
  method: 'POST',
  authority: 'central.example:8080',
  path: '/api/signals',
  query: '?',
  body: '{"a":1}',
};
const verify = (
  { authority, ...received }: SignedParts,
  headers: Record<string, string>,
  nowMs = NOW,
  nonces = new NonceMemory(),
) =>
  verifyRequest(
    { ...received, authorities: [authority], headers: { ...headers, host: parts.authority } },
    async id => (id === 'site-1' ? key.publicKey : undefined),
    nonces,
    nowMs,
  );

describe('signed requests', () => {
  it('are accepted and attributed to the owner of the key', async () => {
    expect(await verify(parts, signRequest(key, 'site-1', parts, NOW))).toEqual({
      ok: true,
      keyId: 'site-1',
    });
  });

  it.each<[string, Partial<SignedParts>, string]>([
    ['another method', { method: 'DELETE' }, 'signature-invalid'],
    ['another recipient', { authority: 'other.example' }, 'signature-misdirected'],
    ['another path', { path: '/api/sites' }, 'signature-invalid'],
    ['another query', { query: '?limit=1' }, 'signature-invalid'],
    ['another body', { body: '{"a":2}' }, 'digest-mismatch'],
  ])('are refused with %s', async (_what, change, code) => {
    const headers = signRequest(key, 'site-1', parts, NOW);
    expect(await verify({ ...parts, ...change }, headers)).toMatchObject({ ok: false, code });
  });

  it('are rejected the second time', async () => {
    const nonces = new NonceMemory();
    const headers = signRequest(key, 'site-1', parts, NOW);
    expect(await verify(parts, headers, NOW, nonces)).toMatchObject({ ok: true });
    expect(await verify(parts, headers, NOW + 1_000, nonces)).toMatchObject({
      ok: false,
      code: 'signature-replayed',
    });
  });

  it('are rejected with the difference when the clocks differ too much', async () => {
    const headers = signRequest(key, 'site-1', parts, NOW + 86_400_000);
    const verification = await verify(parts, headers);
    expect(verification).toMatchObject({ ok: false, code: 'clock-off' });
    expect(verification).toHaveProperty('detail', expect.stringContaining('86400 s ahead'));
    expect(await verify(parts, signRequest(key, 'site-1', parts, NOW), NOW + 200_000)).toMatchObject({
      code: 'clock-off',
    });
  });

  it('are rejected from unknown keys, from another key, and unsigned', async () => {
    expect(await verify(parts, signRequest(key, 'site-2', parts, NOW))).toMatchObject({
      code: 'key-unknown',
    });
    expect(await verify(parts, signRequest(makeKey(), 'site-1', parts, NOW))).toMatchObject({
      code: 'signature-invalid',
    });
    expect(await verify(parts, {})).toMatchObject({ code: 'signature-missing' });
  });

  it('are rejected when they are valid for more than a minute or cover too little', async () => {
    const headers = signRequest(key, 'site-1', parts, NOW);
    const longer = headers['signature-input'].replace(
      /expires=(\d+)/,
      (_, s: string) => `expires=${Number(s) + 1}`,
    );
    expect(await verify(parts, { ...headers, 'signature-input': longer })).toMatchObject({
      code: 'signature-lifetime',
    });
    const fewer = headers['signature-input'].replace('"@path" ', '');
    expect(await verify(parts, { ...headers, 'signature-input': fewer })).toMatchObject({
      code: 'signature-missing',
    });
  });
});

describe('NonceMemory', () => {
  it('forgets expired nonces', () => {
    const nonces = new NonceMemory();
    expect(nonces.claim('a', 100, 0)).toBe(true);
    expect(nonces.claim('a', 100, 50)).toBe(false);
    expect(nonces.claim('a', 300, 200)).toBe(true);
  });
});
