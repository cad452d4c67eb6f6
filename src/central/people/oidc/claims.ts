/** What a provider says about a person: claims, bounded and parsed to exact types. Pure. */

import { nameSchema } from '../../../protocol/base/text.ts';
import { emailSchema } from '../../../protocol/people/people.ts';
import type { OidcProvider } from '../../config.ts';

export type Claims = Readonly<Record<string, unknown>>;

/** An account at a provider. */
export interface Account {
  readonly issuer: string;
  readonly subject: string;
  readonly name: string;
  /** Only an address that the provider has verified. */
  readonly email?: string;
  /** The groups that the claims list, if the provider is configured to list them. */
  readonly groups: readonly string[];
}

/** At most this many groups of a person are kept. Those with a configured role come first. */
const MAX_GROUPS = 200;
const MAX_GROUP_CHARACTERS = 200;
/** OpenID Connect Core 1.0, section 2: `sub` must not exceed 255 ASCII characters. */
const SUBJECT = /^[\x20-\x7e]{1,255}$/;

/** True if the ID token lacks something that the user info may have. */
export function needsUserInfo({ groupsClaim, scopes, trustEmails }: OidcProvider, claims: Claims): boolean {
  if (groupsClaim !== undefined && !Object.hasOwn(claims, groupsClaim)) return true;
  if (findName(claims) === undefined) return true;
  return scopes.split(' ').includes('email') && findEmail([claims], trustEmails) === undefined;
}

/**
 * @param sources the claims of the ID token, then those of the user info
 *
 * @throws Error if there is no valid subject
 */
export function readAccount(provider: OidcProvider, sources: readonly [Claims, ...Claims[]]): Account {
  const { sub } = sources[0];
  if (typeof sub !== 'string' || !SUBJECT.test(sub))
    throw new Error('The claim "sub" is not a text of 1 to 255 ASCII characters.');
  const email = findEmail(sources, provider.trustEmails);
  return {
    issuer: provider.issuer,
    subject: sub,
    name: sources.map(findName).find(name => name !== undefined) ?? email ?? sub,
    ...(email === undefined ? {} : { email }),
    groups: findGroups(provider, sources),
  };
}

/** True if the provider refers to the groups instead of listing them, because they are too many (Entra ID). */
export function omitsGroups({ groupsClaim }: OidcProvider, claims: Claims): boolean {
  const names = claims._claim_names;
  return (
    groupsClaim !== undefined &&
    typeof names === 'object' &&
    names !== null &&
    Object.hasOwn(names, groupsClaim)
  );
}

const parseName = (value: unknown): string | undefined => nameSchema.safeParse(value).data;

function findName({ name, given_name, family_name, preferred_username }: Claims): string | undefined {
  const parts = [given_name, family_name].filter(part => typeof part === 'string');
  return parseName(name) ?? parseName(parts.join(' ')) ?? parseName(preferred_username);
}

/** The address and its verification come from the same source, so that they belong together. */
function findEmail(sources: readonly Claims[], trustEmails: boolean): string | undefined {
  for (const { email, email_verified } of sources) {
    // Some providers send the text "true".
    if (!trustEmails && email_verified !== true && email_verified !== 'true') continue;
    if (email_verified === false || email_verified === 'false') continue;
    const parsed = emailSchema.safeParse(email);
    if (parsed.success) return parsed.data;
  }
  return undefined;
}

function findGroups({ groupsClaim, roles }: OidcProvider, sources: readonly Claims[]): readonly string[] {
  if (groupsClaim === undefined) return [];
  const source = sources.find(claims => Object.hasOwn(claims, groupsClaim));
  const groups = new Set([source?.[groupsClaim]].flat().filter(isGroup));
  const named = new Set(roles.map(({ group }) => group));
  return [...groups].sort((a, b) => Number(named.has(b)) - Number(named.has(a))).slice(0, MAX_GROUPS);
}

const isGroup = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= MAX_GROUP_CHARACTERS && parseName(value) !== undefined;
