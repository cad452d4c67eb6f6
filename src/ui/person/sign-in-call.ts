/** Makes the calls that sign in, and checks that the browser kept the session. */
import type { Me } from '../../protocol/people/people.ts';
import { call } from '../api/call.ts';

/** The browser refused the cookie of the session. */
export class SessionNotKept extends Error {
  override readonly name = 'SessionNotKept';
}

/** @throws ApiError, SessionNotKept */
export async function signInWith(url: string, body: object): Promise<void> {
  await call(url, { method: 'POST', body });
  const me = await call<Me>('/api/me', { reportsSessionEnd: false });
  if (me.via !== 'session') throw new SessionNotKept();
}
