/**
 * Checks the sessions and API tokens of people at a member. The member knows statements of central and accepts a credential
 * without asking central: until the statement expires, or until the feed of rights says that it may be out of date. Central is
 * asked when a token is new, when a statement must be refreshed, and in the background while it is old.
 */
import { LRUCache } from 'lru-cache';
import type { StatementClaims } from '../../protocol/people/statements.ts';
import { CLOCK_TOLERANCE_S } from '../../protocol/rights.ts';
import type { PublicKey } from '../identity/keys.ts';
import type { Log } from '../log.ts';
import { messageOf, Problem, problem } from '../problem.ts';
import type { Authority } from './authority.ts';
import { credentialInvalid } from './credentials.ts';
import { authorityOfStatement, verifyStatement } from './statements.ts';

export interface StoredCredential {
  /** SHA-256 of the cookie or token in hexadecimal. */
  readonly hash: string;
  readonly kind: StatementClaims['kind'];
  /** The id of the session or token at central. */
  readonly id: string;
  readonly statement: string;
  /** Central has reported a change since the statement was made. */
  readonly isStale: boolean;
  readonly lastUsedMs: number;
  readonly refreshedMs: number;
}

/** A statement that was verified. */
export interface AcceptedStatement {
  readonly hash: string;
  readonly statement: string;
  readonly claims: StatementClaims;
}

export interface CredentialStore {
  find(hash: string): Promise<StoredCredential | undefined>;
  /** Inserts the credential or replaces its statement, which is stale if the feed was read beyond the position of the claims. */
  save(statement: AcceptedStatement, nowMs: number): Promise<void>;
  touch(hash: string, nowMs: number): Promise<void>;
  remove(hash: string): Promise<void>;
}

/** Central as this member sees it. Every call returns a statement and rejects with a Problem. */
export interface VouchingCentral {
  readonly member: string;
  readonly publicKey: PublicKey;
  fetchToken(hash: string): Promise<string>;
  refresh(credential: string): Promise<string>;
}

export interface CredentialCheckerDeps {
  readonly store: CredentialStore;
  /** Undefined until this member has joined. */
  readonly central: () => VouchingCentral | undefined;
  readonly log: Log;
  readonly now?: () => number;
}

export interface CredentialChecker {
  /** @throws Problem 401 `credential-invalid`; 503 `central-unreachable`, `busy` */
  check(kind: StatementClaims['kind'], hash: string): Promise<Authority>;
  /** Verifies and stores the statement with which a session begins. @throws Problem 502 `peer-malformed`, 503 `not-joined` */
  accept(hash: string, statement: string): Promise<StatementClaims>;
  /** Reads these credentials from the store again before they count; without hashes, all. */
  forget(hash?: string): void;
}

/** How long a credential is used as it was read from the store, which another process may change. */
const REREAD_MS = 1_000;
/** From this age on, a statement is refreshed in the background. */
const REFRESH_MS = 5 * 60_000;
const TOUCH_MS = 60_000;
/** After a failure to reach central, requests that need it fail at once for this long. */
const PAUSE_MS = 2_000;
const WRONG_MS = 5_000;
const MAX_KNOWN = 10_000;
/** The number of unknown tokens about which this member asks central. An attacker who guesses tokens presents more. */
const MAX_NEW_TOKENS_PER_S = 20;
/** A change in the feed may arrive during a refresh, which makes the new statement stale. */
const MAX_ATTEMPTS = 3;

interface Known {
  readonly stored: StoredCredential;
  readonly claims: StatementClaims;
  readonly authority: Authority;
  readonly readMs: number;
  lastUsedMs: number;
}

export function createCredentialChecker(deps: CredentialCheckerDeps): CredentialChecker {
  const { store, central, now = Date.now } = deps;
  const known = new LRUCache<string, Known>({ max: MAX_KNOWN });
  const wrong = new LRUCache<string, true>({ max: MAX_KNOWN, ttl: WRONG_MS });
  const questions = createQuestions(deps, { known, wrong });

  /** Reads a credential and its statement. A statement that was verified before is not verified again. */
  async function read(peer: VouchingCentral, hash: string): Promise<Known | undefined> {
    const before = known.get(hash);
    if (before && now() - before.readMs < REREAD_MS) return before;
    const readMs = now();
    const stored = await store.find(hash);
    known.delete(hash);
    if (!stored) return undefined;
    const verified = before?.stored.statement === stored.statement ? before : await verify(stored, peer);
    if (!verified) return undefined;
    const { claims, authority } = verified;
    const lastUsedMs = Math.max(stored.lastUsedMs, before?.lastUsedMs ?? 0);
    const entry = { stored, claims, authority, readMs, lastUsedMs };
    known.set(hash, entry);
    return entry;
  }

  async function verify({ statement }: StoredCredential, peer: VouchingCentral) {
    const verified = await verifyStatement(statement, readerOf(peer, now()));
    if (verified.state === 'invalid') return undefined;
    return { claims: verified.claims, authority: authorityOfStatement(verified.claims) };
  }

  function use(entry: Known, peer: VouchingCentral): Authority {
    const { hash, id, lastUsedMs, refreshedMs } = entry.stored;
    const nowMs = now();
    // The store is read again within a second, so a use is written about once a minute.
    if (nowMs - Math.max(lastUsedMs, entry.lastUsedMs) >= TOUCH_MS) questions.touch(hash);
    entry.lastUsedMs = nowMs;
    if (nowMs - refreshedMs >= REFRESH_MS) questions.askLater(peer, hash, () => peer.refresh(id));
    return entry.authority;
  }

  return {
    async check(kind, hash) {
      const peer = central();
      if (!peer || wrong.has(hash)) throw credentialInvalid();
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const entry = await read(peer, hash);
        if (entry?.stored.kind !== kind) {
          if (kind === 'session') throw credentialInvalid();
          questions.limit(hash);
          await questions.ask(peer, hash, () => peer.fetchToken(hash));
          continue;
        }
        const nowMs = now();
        if (hasEnded(entry, nowMs)) {
          known.delete(hash);
          await store.remove(hash);
          throw credentialInvalid();
        }
        if (!entry.stored.isStale && !isExpired(entry, nowMs)) return use(entry, peer);
        await questions.ask(peer, hash, () => peer.refresh(entry.stored.id));
      }
      throw centralUnreachable('The rights of this person are changing.');
    },
    accept(hash, statement) {
      const peer = central();
      if (!peer) throw problem('not-joined');
      return questions.accept(peer, hash, statement);
    },
    forget(hash) {
      if (hash === undefined) known.clear();
      else known.delete(hash);
    },
  };
}

interface Caches {
  readonly known: LRUCache<string, Known>;
  readonly wrong: LRUCache<string, true>;
}

/** Asks central, with one request at a time for each credential, and stores the statement. */
function createQuestions({ store, log, now = Date.now }: CredentialCheckerDeps, { known, wrong }: Caches) {
  const underWay = new Map<string, Promise<void>>();
  let pausedUntilMs = 0;
  let second = 0;
  let asked = 0;

  async function accept(peer: VouchingCentral, hash: string, statement: string): Promise<StatementClaims> {
    const verified = await verifyStatement(statement, readerOf(peer, now()));
    if (verified.state !== 'valid')
      throw problem(
        'peer-malformed',
        `The statement of central is ${verified.state}. Synchronise the clocks (NTP).`,
      );
    await store.save({ hash, statement, claims: verified.claims }, now());
    known.delete(hash);
    return verified.claims;
  }

  async function resolve(
    peer: VouchingCentral,
    hash: string,
    question: () => Promise<string>,
  ): Promise<void> {
    let statement: string;
    try {
      statement = await question();
    } catch (error) {
      if (!isRefusal(error)) {
        pausedUntilMs = now() + PAUSE_MS;
        throw centralUnreachable(messageOf(error));
      }
      wrong.set(hash, true);
      known.delete(hash);
      await store.remove(hash);
      throw credentialInvalid();
    }
    await accept(peer, hash, statement);
  }

  function start(peer: VouchingCentral, hash: string, question: () => Promise<string>): Promise<void> {
    const started = resolve(peer, hash, question).finally(() => underWay.delete(hash));
    underWay.set(hash, started);
    return started;
  }

  return {
    accept,
    /** @throws Problem 503 `busy` */
    limit(hash: string): void {
      if (underWay.has(hash)) return;
      const nowS = Math.floor(now() / 1_000);
      if (nowS !== second) {
        second = nowS;
        asked = 0;
      }
      if (++asked > MAX_NEW_TOKENS_PER_S)
        throw problem('busy', 'Too many new API tokens at once. Try again in a moment.', {
          headers: { 'retry-after': '1' },
        });
    },
    async ask(peer: VouchingCentral, hash: string, question: () => Promise<string>): Promise<void> {
      const found = underWay.get(hash);
      if (found) return found;
      if (now() < pausedUntilMs) throw centralUnreachable('It did not respond a moment ago.');
      return start(peer, hash, question);
    },
    askLater(peer: VouchingCentral, hash: string, question: () => Promise<string>): void {
      if (underWay.has(hash) || now() < pausedUntilMs) return;
      start(peer, hash, question).catch(error =>
        log.debug({ reason: messageOf(error) }, 'a statement could not be refreshed'),
      );
    },
    touch(hash: string): void {
      store
        .touch(hash, now())
        .catch(error => log.warn({ reason: messageOf(error) }, 'the use of a session could not be stored'));
    },
  };
}

const readerOf = ({ member: audience, publicKey: centralPublicKey }: VouchingCentral, nowMs: number) => ({
  audience,
  centralPublicKey,
  nowMs,
});

/** The clocks of central and this member may differ, so the lifetime is also measured with the clock of this member by itself. */
const isExpired = ({ claims: { iat, exp }, stored }: Known, nowMs: number): boolean =>
  nowMs >= Math.min((exp + CLOCK_TOLERANCE_S) * 1_000, stored.refreshedMs + (exp - iat) * 1_000);

/** The session or token itself has ended, so central need not be asked. */
const hasEnded = ({ claims, lastUsedMs }: Known, nowMs: number): boolean =>
  nowMs >= (claims.until + CLOCK_TOLERANCE_S) * 1_000 ||
  (claims.idle !== undefined && nowMs - lastUsedMs >= claims.idle * 1_000);

/** Central has refused this credential. Any other failure does not show whether it is valid. */
const isRefusal = (error: unknown): boolean =>
  error instanceof Problem && error.peerStatus === 401 && error.code === 'credential-invalid';

const centralUnreachable = (reason: string): Problem =>
  problem(
    'central-unreachable',
    `Central must check this session or token, but cannot do so at the moment. ${reason} Try again in a moment.`,
    { headers: { 'retry-after': String(PAUSE_MS / 1_000) } },
  );
