/** Tokens that a site has verified before: only the result of the signature check is cached. */
import { randomBytes } from 'node:crypto';
import { beforeEach, expect, it } from 'vitest';
import { silentLog } from '../../kernel/log.ts';
import { RightsState } from '../../kernel/rights/rights-state.ts';
import { deriveSiteKey, NO_SUBJECT, signRight } from '../../kernel/rights/rights-token.ts';
import { newSiteId, newVideoId } from '../../protocol/base/ids.ts';
import { CLOCK_TOLERANCE_S, type RightsPage } from '../../protocol/rights.ts';
import { createSiteRights, type SiteRights } from './site-rights.ts';

const [video, other] = [newVideoId(), newVideoId()];
const grant = 'aaaaaaaaaaaaaaaa';
const key = deriveSiteKey(randomBytes(32), newSiteId());
const ofKey = (generation: number, bytes: Buffer): RightsPage['keys'][number] => ({
  generation,
  key: bytes.toString('base64url'),
});

let nowS: number;
let position: number;
let state: RightsState;
let rights: SiteRights;
let token: string;
const apply = (changes: Partial<RightsPage>): void =>
  state.apply({
    position: ++position,
    more: false,
    keys: [ofKey(1, key)],
    videos: [],
    revoked: [],
    ...changes,
  });
const code = (of = video): string | undefined => rights.checkToken(token, of)?.code;
beforeEach(() => {
  nowS = Math.floor(Date.now() / 1_000);
  position = 0;
  state = RightsState.open();
  apply({});
  rights = createSiteRights(state, silentLog, () => nowS * 1_000);
  const claims = { kind: 'viewer', expiresS: nowS + 600, subject: grant } as const;
  token = signRight({ generation: 1, key }, claims, video);
  expect([code(), code()]).toEqual([undefined, undefined]);
});

it('permits one video, in whatever order two are requested', () => {
  expect([code(other), code(), code(other), code()]).toEqual([
    'token-invalid',
    undefined,
    'token-invalid',
    undefined,
  ]);
});

it('is refused after its grant was revoked, and after it has expired', () => {
  apply({ revoked: [{ grant, expiresS: nowS + 900 }] });
  expect(code()).toBe('grant-revoked');
  nowS += 600 + CLOCK_TOLERANCE_S + 1;
  expect(code()).toBe('token-expired');
});

it('without a grant, for a viewer in a house network, is refused once the audience is not internal any more', () => {
  const claims = { kind: 'viewer', expiresS: nowS + 600, subject: NO_SUBJECT } as const;
  token = signRight({ generation: 1, key }, claims, video);
  expect(code()).toBeUndefined();
  apply({ videos: [{ video, isPrivate: true, isInternal: true }] });
  expect(code()).toBeUndefined();
  apply({ videos: [{ video, isPrivate: true }] });
  expect(code()).toBe('token-expired');
});

it('is refused after its key was replaced, removed, or has expired', () => {
  apply({ keys: [ofKey(1, randomBytes(32))] });
  expect(code()).toBe('token-invalid');
  apply({ keys: [ofKey(2, randomBytes(32))] });
  expect(code()).toBe('token-invalid');
  apply({ keys: [ofKey(2, randomBytes(32)), { ...ofKey(1, key), untilS: nowS + 60 }] });
  expect(code()).toBeUndefined();
  nowS += 60 + CLOCK_TOLERANCE_S + 1;
  expect(code()).toBe('token-invalid');
});
