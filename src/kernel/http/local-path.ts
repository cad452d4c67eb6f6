/** The path to which a browser returns after signing in. It comes from an address, so it must never lead to another origin. */

const MAX_PATH_CHARACTERS = 2_000;
const ORIGIN = 'http://local.invalid';

/** @returns the path with its query and fragment, or undefined if the text is not a path of the same origin */
export function parseLocalPath(text: string | undefined): string | undefined {
  if (text === undefined || text.length > MAX_PATH_CHARACTERS || !text.startsWith('/')) return undefined;
  // Browsers remove control characters and read a backslash as a slash (URL standard, section 4.4).
  if (!URL.canParse(text, ORIGIN)) return undefined;
  const { origin, pathname, search, hash } = new URL(text, ORIGIN);
  // `/.//host` has the path `//host`, which a browser reads as an origin.
  return origin === ORIGIN && !pathname.startsWith('//') ? `${pathname}${search}${hash}` : undefined;
}
