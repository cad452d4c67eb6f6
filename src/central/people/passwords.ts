/**
 * Passwords: rules for new ones, and hashes with scrypt (RFC 7914). A hash takes tens of megabytes and a core for a fraction of a
 * second, so few are computed at once.
 */
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { Semaphore } from '../../kernel/lifecycle/semaphore.ts';
import { problem } from '../../kernel/problem.ts';
import { normaliseForSearch } from '../../protocol/base/text.ts';
import { MIN_PASSWORD_CHARACTERS } from '../../protocol/people/people.ts';

/** N = 2^15, r = 8, p = 3: one of the choices that OWASP recommends. 32 MiB for each computation. */
const COST = { ln: 15, r: 8, p: 3 } as const;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const MAX_MEMORY_BYTES = 64 * 2 ** 20;
/** `$scrypt$ln=15,r=8,p=3$salt$hash` (PHC string format), with the parameters that this hash was made with. */
const FORMAT = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9_-]+)\$([A-Za-z0-9_-]+)$/;

/** The thread pool of Node has four threads, for scrypt, files and DNS. Two remain for files and DNS. */
const computations = new Semaphore(2, 30);

export const hashPassword = (password: string): Promise<string> =>
  limited(async () => {
    const salt = randomBytes(SALT_BYTES);
    const hash = await derive(password, salt, COST);
    const { ln, r, p } = COST;
    return `$scrypt$ln=${ln},r=${r},p=${p}$${salt.toString('base64url')}$${hash.toString('base64url')}`;
  });

/**
 * Checks a password. Without a hash it does the same work, and returns false, so that the time does not reveal who has a password.
 *
 * @throws Problem 503 `busy` if too many wait
 */
export const verifyPassword = (password: string, hash: string | null): Promise<boolean> =>
  limited(async () => {
    const [, ln, r, p, salt = '', expected = ''] = FORMAT.exec(hash ?? '') ?? [];
    const cost = ln === undefined ? COST : { ln: Number(ln), r: Number(r), p: Number(p) };
    const saltBytes = ln === undefined ? Buffer.alloc(SALT_BYTES) : Buffer.from(salt, 'base64url');
    const found = await derive(password, saltBytes, cost);
    const wanted = ln === undefined ? Buffer.alloc(HASH_BYTES) : Buffer.from(expected, 'base64url');
    return found.length === wanted.length && timingSafeEqual(found, wanted) && ln !== undefined;
  });

async function limited<T>(work: () => Promise<T>): Promise<T> {
  if (computations.isFull)
    throw problem('busy', 'Too many people are signing in. Try again in a moment.', {
      headers: { 'retry-after': '2' },
    });
  return computations.run(work);
}

function derive(
  password: string,
  salt: Buffer,
  { ln, r, p }: { readonly ln: number; readonly r: number; readonly p: number },
): Promise<Buffer> {
  const options: ScryptOptions = { N: 2 ** ln, r, p, maxmem: MAX_MEMORY_BYTES };
  return new Promise((resolve, reject) => {
    // The same password typed on two keyboards may differ in its code points (NIST 800-63B, section 3.1.1.2).
    scrypt(password.normalize('NFKC'), salt, HASH_BYTES, options, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}

const MIN_DIFFERENT_CHARACTERS = 4;
/** Shorter names may be part of a password. A password needs this many characters in addition to the name. */
const MIN_OWN_CHARACTERS = 5;
/** Frequent passwords of at least ten characters, and rows of a keyboard. */
const FREQUENT =
  /^(?:0?1234567890?|0987654321|qwertyuiop\d*|1qaz2wsx\w*|q1w2e3r4t5\w*|asdfghjkl[\W\d]*|zxcvbnm\w*|passw[o0]rd[\W\d]*|iloveyou\d*|administrator\d*|changeme\d*|letmein\d*|welcome\d*|superman\d*|football\d*|baseball\d*|princess\d*|sunshine\d*|woaini\d*|abcdefghij\w*|abcd1234\w*|tributary\d*)$/;

/**
 * Rules for a new password: long enough, not frequent, and not made from the name or address. There are no rules on kinds of
 * characters, and passwords do not expire (NIST 800-63B, section 3.1.1.2).
 *
 * @throws Problem 400 `password-weak`
 */
export function requireGoodPassword(
  password: string,
  person: { readonly name: string; readonly email?: string | null | undefined },
): void {
  const text = normaliseForSearch(password);
  const ownTexts = [person.name, person.email ?? '', person.email?.split('@')[0] ?? '']
    .map(normaliseForSearch)
    .filter(own => own.length >= MIN_OWN_CHARACTERS);
  if ([...password.normalize('NFKC')].length < MIN_PASSWORD_CHARACTERS)
    throw problem('password-weak', `The password must have at least ${MIN_PASSWORD_CHARACTERS} characters.`);
  if (new Set(text).size < MIN_DIFFERENT_CHARACTERS || FREQUENT.test(text))
    throw problem(
      'password-weak',
      'This password is easy to guess. Use several words that do not belong together.',
    );
  if (ownTexts.some(own => [...text.replaceAll(own, '')].length < MIN_OWN_CHARACTERS))
    throw problem(
      'password-weak',
      'The password is too similar to your name or e-mail address. Choose another one.',
    );
}
