/**
 * Signing in with an e-mail address and a password. The response and its time are the same for people who are unknown, who are
 * disabled, and who have no password, so nobody can find out who has an account.
 */
import type { IncomingMessage } from 'node:http';
import { problem } from '../../kernel/problem.ts';
import { findPersonByEmail } from '../database/people/people.ts';
import type { PersonRow } from '../database/people/tables.ts';
import { type AttemptDeps, beginAttempt, endAttempt } from './attempts.ts';
import { verifyPassword } from './passwords.ts';

export interface PasswordCheck {
  readonly email: string;
  readonly password: string;
  /** The address of the client. */
  readonly address: string;
}

/**
 * Returns the person whose password this is, or undefined.
 *
 * @throws Problem 429 `sign-in-limited`, 503 `busy`
 */
export async function checkPassword(
  deps: AttemptDeps,
  request: IncomingMessage,
  { email, password, address }: PasswordCheck,
): Promise<PersonRow | undefined> {
  const account = email.trim().toLowerCase();
  const attempt = await beginAttempt(deps, request, { email: account, address });
  const person = await findPersonByEmail(deps.db, account);
  const hash = person?.disabled === 0 ? person.password : null;
  if (!(await verifyPassword(password, hash))) return undefined;
  await endAttempt(deps, attempt);
  return person;
}

export const signInFailed = () =>
  problem('sign-in-failed', undefined, { headers: { 'www-authenticate': 'Bearer' } });
