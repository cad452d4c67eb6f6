/**
 * Limits on guessing passwords (docs/people.md). Attempts from a browser in which the person has signed in before count by
 * themselves, so an attacker cannot lock out people at their own computers. All other attempts count by account and network, by
 * network, and, with short delays only, by account.
 */
import type { IncomingMessage } from 'node:http';
import * as cookies from 'cookie';
import type { FastifyReply } from 'fastify';
import * as z from 'zod';
import { sessionCookieName } from '../../kernel/access/credentials.ts';
import { sha256Hex } from '../../kernel/identity/keys.ts';
import type { SecretBox } from '../../kernel/identity/secret-box.ts';
import { networkOf } from '../../kernel/network.ts';
import { problem } from '../../kernel/problem.ts';
import { newId } from '../../protocol/base/ids.ts';
import {
  type AttemptLimit,
  type Counter,
  countAttempt,
  forgetAttempts,
  uncountAttempt,
} from '../database/people/attempts.ts';
import type { CentralDatabase } from '../database/schema.ts';

const MINUTE_MS = 60_000;
/** Five at once, then one in 15 minutes. */
const OF_ACCOUNT_IN_NETWORK: AttemptLimit = { free: 5, forgetMs: 15 * MINUTE_MS, maxDelayMs: 15 * MINUTE_MS };
/** Many people may share a network: a hundred at once, then one in 20 seconds. */
const OF_NETWORK: AttemptLimit = { free: 100, forgetMs: 20_000, maxDelayMs: MINUTE_MS };
/** An attacker with many networks: fifty at once, then one a minute. The person waits for half a minute at most. */
const OF_ACCOUNT: AttemptLimit = { free: 50, forgetMs: MINUTE_MS, maxDelayMs: MINUTE_MS / 2 };

const DEVICE_COOKIE = sessionCookieName('central device');
const DEVICE_S = 180 * 86_400;

export interface AttemptDeps {
  readonly db: CentralDatabase;
  readonly secrets: SecretBox;
}

interface Attempt {
  /** The e-mail address, in lower case. */
  readonly email: string;
  readonly address: string;
}

/**
 * Counts an attempt, before its password is checked.
 *
 * @throws Problem 429 `sign-in-limited`
 */
export async function beginAttempt(
  { db, secrets }: AttemptDeps,
  request: IncomingMessage,
  { email, address }: Attempt,
): Promise<readonly Counter[]> {
  const account = sha256Hex(email);
  const device = deviceOf(request, secrets, account);
  const counters: readonly Counter[] =
    device === undefined
      ? [
          { key: `account ${account} network ${networkOf(address, 64)}`, limit: OF_ACCOUNT_IN_NETWORK },
          { key: `account ${account}`, limit: OF_ACCOUNT },
          { key: `network ${networkOf(address, 48)}`, limit: OF_NETWORK },
        ]
      : [{ key: `device ${device}`, limit: OF_ACCOUNT_IN_NETWORK }];
  const waitMs = await countAttempt(db, counters, Date.now());
  if (waitMs > 0) {
    const waitS = Math.ceil(waitMs / 1_000);
    throw problem('sign-in-limited', `Too many attempts to sign in. Try again in ${formatWait(waitS)}.`, {
      headers: { 'retry-after': String(waitS) },
    });
  }
  return counters;
}

/**
 * After a success the account starts from zero in this network or browser. The other counters only forget this attempt: otherwise, an
 * attacker could reset them by signing in to their own account.
 */
export async function endAttempt({ db }: AttemptDeps, counters: readonly Counter[]): Promise<void> {
  const [own, ...others] = counters;
  if (own) await forgetAttempts(db, [own.key]);
  await uncountAttempt(db, others);
}

/** Marks this browser as one in which the person has signed in. The cookie is worth nothing without the password. */
export function rememberDevice(
  { secrets }: Pick<AttemptDeps, 'secrets'>,
  reply: FastifyReply,
  email: string,
): void {
  const mark = secrets.encrypt(JSON.stringify([sha256Hex(email), newId()]));
  reply.header(
    'set-cookie',
    cookies.serialize(DEVICE_COOKIE, mark, {
      path: '/',
      httpOnly: true,
      secure: true,
      sameSite: 'lax',
      maxAge: DEVICE_S,
    }),
  );
}

const deviceSchema = z.tuple([z.string(), z.uuid()]);

function deviceOf(
  { headers: { cookie = '' } }: IncomingMessage,
  secrets: SecretBox,
  account: string,
): string | undefined {
  const mark = cookies.parse(cookie)[DEVICE_COOKIE];
  if (mark === undefined) return undefined;
  try {
    const [owner, id] = deviceSchema.parse(JSON.parse(secrets.decrypt(mark)));
    return owner === account ? id : undefined;
  } catch {
    // Not from this central, or altered.
    return undefined;
  }
}

const formatWait = (seconds: number): string =>
  seconds < 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
