/** The addresses of the sign-in page, and where it continues. Only paths of the same server are accepted. Pure. */

/** The part whose page this is. At a site, signing in goes through central. */
export type Part = 'central' | 'site';

export const SIGN_IN_PATH = '/sign-in';
const CONTINUE_PARAMETERS: Readonly<Record<Part, string>> = { central: 'continue', site: 'return' };

/** @param path where to continue: path, query and fragment of a page of the same part */
export function formatSignInAddress(part: Part, path: string): string {
  if (path === '/' || path.startsWith(SIGN_IN_PATH)) return SIGN_IN_PATH;
  return `${SIGN_IN_PATH}?${new URLSearchParams({ [CONTINUE_PARAMETERS[part]]: path })}`;
}

/**
 * The path to continue at after signing in, `/` if there is none or it leads to another server: `//host`, `/\host`, `/.//host` and
 * addresses with control characters, which browsers remove, are refused.
 *
 * @param search the query of the sign-in page
 */
export const parseContinue = (search: string): string => parsePath(search, 'central');

/** The same on a page of a site. */
export const parseReturn = (search: string): string => parsePath(search, 'site');

function parsePath(search: string, part: Part): string {
  const path = new URLSearchParams(search).get(CONTINUE_PARAMETERS[part]) ?? '/';
  if (!/^\/(?![/\\])[^\p{Cc}\\]*$/u.test(path)) return '/';
  const base = 'http://central.invalid';
  const url = URL.canParse(path, base) ? new URL(path, base) : undefined;
  if (url?.origin !== base || url.pathname.startsWith('//') || url.pathname === SIGN_IN_PATH) return '/';
  return url.pathname + url.search + url.hash;
}
