/** When a member asks central about a session or token, and when it accepts or refuses one by itself. */
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeTemporaryDirectory, removeDirectory } from '../../../test/support/temporary-directory.ts';
import { newId } from '../../protocol/base/ids.ts';
import type { StatementClaims } from '../../protocol/people/statements.ts';
import { CLOCK_TOLERANCE_S } from '../../protocol/rights.ts';
import { type KeyPair, readOrMakeKey } from '../identity/keys.ts';
import { silentLog } from '../log.ts';
import { problem, problemOfPeer } from '../problem.ts';
import {
  type CredentialChecker,
  type CredentialStore,
  createCredentialChecker,
  type StoredCredential,
} from './check-credentials.ts';
import { signStatement } from './statements.ts';

const SITE = 'hangzhou';
const HOUR_S = 3_600;

let directory: string;
let key: KeyPair;
beforeAll(async () => {
  directory = await makeTemporaryDirectory('credentials');
  key = await readOrMakeKey(join(directory, 'central.key'));
});
afterAll(() => removeDirectory(directory));

let nowMs: number;
let rows: Map<string, StoredCredential>;
/** The position of the feed that this member has read. */
let readPosition: number;
/** Calls to central, and what it says. */
let calls: string[];
let central: { isDown: boolean; refuses: boolean; position: number; name: string; lifetimeS: number };
let checker: CredentialChecker;
/** Runs after central has made a statement and before the member has stored it. */
let beforeResponse: () => void;

const id = newId();
const person = newId();
const statementOf = (kind: StatementClaims['kind'], audience = SITE): Promise<string> => {
  const iat = Math.floor(nowMs / 1_000);
  return signStatement(key, {
    aud: audience,
    sub: person,
    name: central.name,
    credential: id,
    kind,
    permissions: [],
    groups: [],
    position: central.position,
    iat,
    exp: iat + central.lifetimeS,
    until: iat + 48 * HOUR_S,
    idle: kind === 'session' ? 12 * HOUR_S : undefined,
  });
};
async function respond(call: string, kind: StatementClaims['kind']): Promise<string> {
  calls.push(call);
  if (central.isDown) throw problem('peer-unreachable');
  if (central.refuses) throw problemOfPeer(401, 'credential-invalid', 'It was revoked.');
  const statement = await statementOf(kind);
  beforeResponse();
  return statement;
}
const store: CredentialStore = {
  find: async hash => rows.get(hash),
  async save({ hash, statement, claims }, savedMs) {
    rows.set(hash, {
      hash,
      statement,
      kind: claims.kind,
      id: claims.credential,
      isStale: claims.position < readPosition,
      lastUsedMs: rows.get(hash)?.lastUsedMs ?? savedMs,
      refreshedMs: savedMs,
    });
  },
  async touch(hash, lastUsedMs) {
    change(hash, { lastUsedMs });
  },
  async remove(hash) {
    rows.delete(hash);
  },
};
function change(hash: string, changes: Partial<StoredCredential>): void {
  const row = rows.get(hash);
  if (row) rows.set(hash, { ...row, ...changes });
}
beforeEach(() => {
  nowMs = Date.UTC(2026, 0, 1);
  rows = new Map();
  readPosition = 1;
  calls = [];
  central = { isDown: false, refuses: false, position: 10, name: 'Li Na', lifetimeS: 12 * HOUR_S };
  beforeResponse = () => {};
  checker = start();
});

const start = (): CredentialChecker =>
  createCredentialChecker({
    store,
    central: () => ({
      member: SITE,
      publicKey: key.publicKey,
      fetchToken: hash => respond(`token ${hash}`, 'token'),
      refresh: credential => respond(`refresh ${credential}`, rows.has('t') ? 'token' : 'session'),
    }),
    log: silentLog,
    now: () => nowMs,
  });
const nameOf = async (hash = 's', kind: StatementClaims['kind'] = 'session'): Promise<string | undefined> =>
  (await checker.check(kind, hash)).person?.name;
const rejected = (code: string) => expect.objectContaining({ code });
const markStale = (hash: string): void => {
  change(hash, { isStale: true });
  checker.forget();
};

describe('a session', () => {
  beforeEach(async () => {
    await checker.accept('s', await statementOf('session'));
  });

  it('is accepted without asking central, also after a restart and while central is unavailable', async () => {
    central.isDown = true;
    for (let i = 0; i < 100; i++) expect(await nameOf()).toBe('Li Na');
    checker = start();
    expect([await nameOf(), calls]).toEqual(['Li Na', []]);
  });

  it('is refreshed in the background from time to time, with what has changed', async () => {
    nowMs += 299_000;
    await nameOf();
    expect(calls).toEqual([]);
    nowMs += 2_000;
    central.name = 'Li Na-Weber';
    expect(await nameOf()).toBe('Li Na');
    expect(calls).toEqual([`refresh ${id}`]);
    await expect.poll(() => nameOf()).toBe('Li Na-Weber');
    expect(calls).toHaveLength(1);
  });

  it('is refreshed before it counts if it is stale, once for all requests', async () => {
    central.name = 'Li Na-Weber';
    markStale('s');
    expect(await Promise.all([nameOf(), nameOf(), nameOf()])).toEqual(Array(3).fill('Li Na-Weber'));
    expect(calls).toHaveLength(1);
  });

  it('is refused while it is stale and central is unavailable, and does not ask for each request', async () => {
    markStale('s');
    central.isDown = true;
    for (let i = 0; i < 5; i++) await expect(nameOf()).rejects.toEqual(rejected('central-unreachable'));
    expect(calls).toHaveLength(1);
    central.isDown = false;
    nowMs += 2_000;
    expect(await nameOf()).toBe('Li Na');
  });

  it('counts stale marks of another process within a second', async () => {
    expect(await nameOf()).toBe('Li Na');
    change('s', { isStale: true });
    central.refuses = true;
    nowMs += 1_000;
    await expect(nameOf()).rejects.toEqual(rejected('credential-invalid'));
    expect(rows.size).toBe(0);
  });

  it('is refreshed again if the feed overtakes the refresh', async () => {
    markStale('s');
    beforeResponse = () => {
      readPosition = 11;
      central.position = 12;
      central.name = 'Wang Wei';
      beforeResponse = () => {};
    };
    expect([await nameOf(), calls.length]).toEqual(['Wang Wei', 2]);
  });

  it('works without central until the statement expires, and then with it again', async () => {
    central.isDown = true;
    for (let hour = 1; hour < 12; hour++) {
      nowMs += HOUR_S * 1_000;
      expect(await nameOf()).toBe('Li Na');
    }
    nowMs += HOUR_S * 1_000;
    await expect(nameOf()).rejects.toEqual(rejected('central-unreachable'));
    central.isDown = false;
    nowMs += 2_000;
    expect(await nameOf()).toBe('Li Na');
  });

  it('ends when it was not used for the idle time, also if its statement has expired', async () => {
    central.lifetimeS = HOUR_S;
    await checker.accept('s', await statementOf('session'));
    nowMs += 12 * HOUR_S * 1_000;
    await expect(nameOf()).rejects.toEqual(rejected('credential-invalid'));
    expect([rows.size, calls]).toEqual([0, []]);
  });

  it('ends at its absolute limit, which central need not confirm', async () => {
    await checker.accept('s', await statementUntil(nowMs / 1_000 + HOUR_S));
    nowMs += HOUR_S * 1_000;
    expect(await nameOf()).toBe('Li Na');
    nowMs += CLOCK_TOLERANCE_S * 1_000;
    calls = [];
    await expect(nameOf()).rejects.toEqual(rejected('credential-invalid'));
    expect([rows.size, calls]).toEqual([0, []]);
  });

  it('is not accepted as a token, or with a statement for another member', async () => {
    await expect(nameOf('other')).rejects.toEqual(rejected('credential-invalid'));
    change('s', { statement: await statementOf('session', 'guangzhou') });
    checker.forget();
    await expect(nameOf()).rejects.toEqual(rejected('credential-invalid'));
    await expect(checker.accept('x', await statementOf('session', 'guangzhou'))).rejects.toEqual(
      rejected('peer-malformed'),
    );
  });
});

const statementUntil = async (until: number): Promise<string> => {
  const iat = Math.floor(nowMs / 1_000);
  const rest = {
    aud: SITE,
    sub: person,
    name: 'Li Na',
    credential: id,
    permissions: [],
    groups: [],
    position: 10,
  };
  return signStatement(key, {
    ...rest,
    kind: 'session',
    iat,
    exp: iat + 12 * HOUR_S,
    until,
    idle: 12 * HOUR_S,
  });
};

describe('a token', () => {
  it('is asked about once, and then accepted', async () => {
    expect(await Promise.all([nameOf('t', 'token'), nameOf('t', 'token')])).toEqual(['Li Na', 'Li Na']);
    central.isDown = true;
    expect(await nameOf('t', 'token')).toBe('Li Na');
    expect(calls).toEqual(['token t']);
  });

  it('that central does not know is remembered as wrong for a moment', async () => {
    central.refuses = true;
    for (let i = 0; i < 5; i++)
      await expect(nameOf('t', 'token')).rejects.toEqual(rejected('credential-invalid'));
    expect(calls).toHaveLength(1);
  });

  it('cannot be guessed through this member: it asks about few new ones, and known ones still work', async () => {
    await nameOf('t', 'token');
    central.refuses = true;
    const guesses = Array.from({ length: 200 }, (_, guess) => nameOf(`guess-${guess}`, 'token'));
    const results = await Promise.allSettled(guesses);
    expect(calls.length).toBeLessThanOrEqual(21);
    expect(results.at(-1)).toMatchObject({ reason: rejected('busy') });
    expect(await nameOf('t', 'token')).toBe('Li Na');
  });
});
