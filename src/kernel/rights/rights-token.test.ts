import { createHmac, randomBytes, randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { newSiteId, newVideoId } from '../../protocol/base/ids.ts';
import {
  type Claims,
  deriveSiteKey,
  deriveTrackersKey,
  NO_SUBJECT,
  signRight,
  verifyRight,
} from './rights-token.ts';

const master = randomBytes(32);
const [site, other] = [newSiteId(), newSiteId()];
const video = newVideoId();
const claims: Claims = { kind: 'viewer', expiresS: 1_900_000_000, subject: '00112233445566ff' };
const key = deriveSiteKey(master, site);
const token = signRight({ generation: 1, key }, claims, video);
const keys = (found: Buffer) => (generation: number) => (generation === 1 ? found : undefined);

describe('a token', () => {
  it('carries its claims in forty characters that need no encoding in a path', () => {
    expect(token).toMatch(/^[A-Za-z0-9_-]{40}$/);
    expect(verifyRight(token, video, keys(key))).toEqual(claims);
  });

  it('ends with the first half of the HMAC-SHA256 (RFC 2104) of its head and the id of the video', () => {
    for (const length of [0, 1, 32, 63, 64]) {
      const some = randomBytes(length);
      const id = newVideoId();
      const bytes = Buffer.from(signRight({ generation: 1, key: some }, claims, id), 'base64url');
      const mac = createHmac('sha256', some).update(bytes.subarray(0, 14)).update(id).digest();
      expect(bytes.subarray(14)).toEqual(mac.subarray(0, 16));
    }
  });

  it('is invalid for another video, at another site, and under another generation or master', () => {
    expect(verifyRight(token, newVideoId(), keys(key))).toBeUndefined();
    expect(verifyRight(token, video, keys(deriveSiteKey(master, other)))).toBeUndefined();
    expect(verifyRight(token, video, keys(deriveTrackersKey(master)))).toBeUndefined();
    expect(verifyRight(token, video, keys(deriveSiteKey(randomBytes(32), site)))).toBeUndefined();
    expect(verifyRight(token, video, generation => (generation === 2 ? key : undefined))).toBeUndefined();
  });

  it('cannot be signed by one site for another, and a site cannot sign a grant', () => {
    const forged = signRight({ generation: 1, key }, { ...claims, kind: 'grant' }, video);
    expect(verifyRight(forged, video, keys(deriveTrackersKey(master)))).toBeUndefined();
    expect(verifyRight(forged, video, keys(deriveSiteKey(master, other)))).toBeUndefined();
  });

  it('is invalid after any character was changed, removed or added', () => {
    for (let at = 0; at < token.length; at++) {
      for (const character of ['A', 'b', '7', '_', '=', '/', '.']) {
        if (token[at] === character) continue;
        const altered = token.slice(0, at) + character + token.slice(at + 1);
        expect(verifyRight(altered, video, keys(key)), altered).toBeUndefined();
      }
    }
    for (const text of ['', token.slice(1), `${token}A`, ` ${token}`, `${token}\n`, '—'.repeat(40)])
      expect(verifyRight(text, video, keys(key))).toBeUndefined();
  });

  it('carries any claims, and is invalid after any bit was flipped', () => {
    for (let round = 0; round < 500; round++) {
      const some: Claims = {
        kind: (['grant', 'viewer', 'member', 'studio'] as const)[randomInt(4)] as Claims['kind'],
        expiresS: randomInt(2 ** 32 - 1),
        subject: round === 0 ? NO_SUBJECT : randomBytes(8).toString('hex'),
      };
      const generation = randomInt(256);
      const id = newVideoId();
      const text = signRight({ generation, key }, some, id);
      expect(verifyRight(text, id, asked => (asked === generation ? key : undefined))).toEqual(some);
      const bytes = Buffer.from(text, 'base64url');
      const at = randomInt(bytes.length);
      bytes[at] = (bytes[at] as number) ^ (1 << randomInt(8));
      expect(verifyRight(bytes.toString('base64url'), id, () => key)).toBeUndefined();
    }
  });

  it('is compared in constant time', () => {
    // Microseconds cannot be measured on a shared machine, so this checks that only timingSafeEqual compares the MAC.
    const text = readFileSync('src/kernel/rights/rights-token.ts', 'utf8');
    expect(text.match(/timingSafeEqual\(bytes, genuine\)/)).not.toBeNull();
    expect(text).not.toMatch(/\.equals\(|=== ?mac|Buffer\.compare/);
  });
});
