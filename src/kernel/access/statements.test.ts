/** Attacks on statements: every one that central did not sign for this member, as it is, is refused. */
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { decodeJwt, SignJWT } from 'jose';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTemporaryDirectory, removeDirectory } from '../../../test/support/temporary-directory.ts';
import { CLOCK_TOLERANCE_S } from '../../protocol/rights.ts';
import { type KeyPair, readOrMakeKey } from '../identity/keys.ts';
import { authorityOfStatement, type NewStatement, signStatement, verifyStatement } from './statements.ts';

const SITE = 'hangzhou';
const NOW_S = 1_800_000_000;
const claims: NewStatement = {
  aud: SITE,
  sub: v7(),
  name: '李娜',
  credential: v7(),
  kind: 'session',
  permissions: [{ permission: 'upload', scope: 'everything' }],
  groups: [v7()],
  position: 7,
  iat: NOW_S,
  exp: NOW_S + 600,
  until: NOW_S + 6_000,
  idle: 60,
};

let directory: string;
let central: KeyPair;
let other: KeyPair;
let statement: string;
beforeAll(async () => {
  directory = await makeTemporaryDirectory('statements');
  central = await readOrMakeKey(join(directory, 'central.key'));
  other = await readOrMakeKey(join(directory, 'other.key'));
  statement = await signStatement(central, claims);
});
afterAll(() => removeDirectory(directory));

const stateOf = async (text: string, audience = SITE, nowS = NOW_S): Promise<string> =>
  (await verifyStatement(text, { audience, centralPublicKey: central.publicKey, nowMs: nowS * 1_000 })).state;
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const withHeader = (header: object): string => [part(header), ...statement.split('.').slice(1)].join('.');

it('says who the person is, and what they may do here', async () => {
  const verified = await verifyStatement(statement, {
    audience: SITE,
    centralPublicKey: central.publicKey,
    nowMs: NOW_S * 1_000,
  });
  if (verified.state !== 'valid') throw new Error(verified.state);
  expect(authorityOfStatement(verified.claims)).toEqual({
    person: { id: claims.sub, name: '李娜' },
    via: 'session',
    permissions: claims.permissions,
    groups: claims.groups,
    credential: { id: claims.credential, expiresMs: claims.until * 1_000 },
  });
});

it('expires, with the tolerance for clocks', async () => {
  expect(await stateOf(statement, SITE, claims.exp + CLOCK_TOLERANCE_S - 1)).toBe('valid');
  expect(await stateOf(statement, SITE, claims.exp + CLOCK_TOLERANCE_S + 1)).toBe('expired');
});

describe('a statement is refused', () => {
  const sign = (payload: object, header: object, key: Parameters<SignJWT['sign']>[0]) =>
    new SignJWT({ ...payload }).setProtectedHeader(header as { alg: string }).sign(key);
  const typ = 'tributary-statement+jwt';
  const genuine = { ...claims, iss: 'tributary-central' };

  it('at another member', async () => {
    expect(await stateOf(statement, 'guangzhou')).toBe('invalid');
  });

  it('with a changed claim, header or signature', async () => {
    const [header = '', , signature = ''] = statement.split('.');
    const raised = {
      ...decodeJwt(statement),
      permissions: [{ permission: 'everything', scope: 'everything' }],
    };
    expect(await stateOf(`${header}.${part(raised)}.${signature}`)).toBe('invalid');
    expect(await stateOf(withHeader({ alg: 'EdDSA', typ, kid: 'x' }))).toBe('invalid');
    expect(await stateOf(statement.slice(0, -4))).toBe('invalid');
    for (const text of ['', '.', '..', 'x.y.z', statement.split('.').slice(0, 2).join('.')])
      expect(await stateOf(text)).toBe('invalid');
  });

  it('with another algorithm, or none', async () => {
    expect(await stateOf(withHeader({ alg: 'none', typ }))).toBe('invalid');
    expect(await stateOf(`${part({ alg: 'none', typ })}.${part(genuine)}.`)).toBe('invalid');
    // The public key of central as the secret of an HMAC.
    const input = `${part({ alg: 'HS256', typ })}.${part(genuine)}`;
    const mac = createHmac('sha256', Buffer.from(central.publicKey, 'base64url')).update(input);
    expect(await stateOf(`${input}.${mac.digest('base64url')}`)).toBe('invalid');
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    expect(await stateOf(await sign(genuine, { alg: 'RS256', typ }, privateKey))).toBe('invalid');
    // The key of a header counts no more than the header itself.
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: other.publicKey };
    expect(await stateOf(await sign(genuine, { alg: 'EdDSA', typ, jwk }, other.privateKey))).toBe('invalid');
  });

  it('of another type, issuer or key', async () => {
    const key = central.privateKey;
    expect(await stateOf(await sign(genuine, { alg: 'EdDSA', typ }, key))).toBe('valid');
    expect(await stateOf(await sign(genuine, { alg: 'EdDSA', typ: 'JWT' }, key))).toBe('invalid');
    expect(await stateOf(await sign(genuine, { alg: 'EdDSA' }, key))).toBe('invalid');
    expect(await stateOf(await sign({ ...genuine, iss: SITE }, { alg: 'EdDSA', typ }, key))).toBe('invalid');
    expect(await stateOf(await signStatement(other, claims))).toBe('invalid');
  });

  it('without an expiry, or with claims of other types', async () => {
    const key = central.privateKey;
    const { exp: _, ...eternal } = genuine;
    expect(await stateOf(await sign(eternal, { alg: 'EdDSA', typ }, key))).toBe('invalid');
    const odd = { ...genuine, permissions: [{ permission: 'root', scope: 'everything' }] };
    expect(await stateOf(await sign(odd, { alg: 'EdDSA', typ }, key))).toBe('invalid');
    expect(await stateOf(await sign({ ...genuine, aud: [SITE, 'x'] }, { alg: 'EdDSA', typ }, key))).toBe(
      'invalid',
    );
  });
});
