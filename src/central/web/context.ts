/** What central's calls stand on, and who may make them. */
import type { FastifyRequest } from 'fastify';
import { hasToken, RejectedSignature, requireSigner, requireToken } from '../../kernel/http/server.ts';
import type { SecretBox } from '../../kernel/identity/secret-box.ts';
import type { NonceMemory } from '../../kernel/identity/signatures.ts';
import { problem } from '../../kernel/problem.ts';
import type { SiteId } from '../../protocol/ids.ts';
import type { Bell } from '../change-notifier.ts';
import type { Collector } from '../collector/collector.ts';
import type { CentralConfig } from '../config.ts';
import type { CentralDatabase, MemberRow } from '../database/schema.ts';
import { findMember, isActive, listJoined, type Role } from '../database/sites.ts';
import type { CentralMetrics } from '../metrics.ts';
import type { Refusals } from '../refusals.ts';
import type { Links } from '../site-reader/links.ts';

export interface CentralContext {
  readonly config: CentralConfig;
  readonly publicKey: string;
  /** All trackers sign sessions with it, so that a viewer may ask any of them. */
  readonly sessionKey: string;
  readonly db: CentralDatabase;
  readonly secrets: SecretBox;
  readonly bell: Bell;
  readonly collector: Collector;
  readonly links: Links;
  readonly metrics: CentralMetrics;
  readonly nonces: NonceMemory;
  readonly refusals: Refusals;
}

export const requireOperator = (request: FastifyRequest, { config }: CentralContext): void =>
  requireToken(request, config.operatorToken);

/** Some answers tell the operator more than everybody. */
export const isOperator = ({ headers }: FastifyRequest, { config }: CentralContext): boolean =>
  hasToken(headers.authorization, config.operatorToken);

/**
 * The member whose key signed this request. Who it is comes from the key alone, never from the body.
 *
 * @throws Problem 401 if it is not signed by a member's present key, 403 if that member has another role.
 */
export async function requireMember(
  request: FastifyRequest,
  { db, nonces, refusals }: Pick<CentralContext, 'db' | 'nonces' | 'refusals'>,
  ...roles: readonly Role[]
): Promise<MemberRow> {
  let member: MemberRow | undefined;
  const findKey = async (keyId: string): Promise<string | undefined> => {
    member = await findMember(db, keyId);
    return member && isActive(member) ? (member.public_key ?? undefined) : undefined;
  };
  try {
    await requireSigner(request, findKey, nonces);
  } catch (error) {
    if (error instanceof RejectedSignature && error.signer && member?.role === 'site') {
      await refusals.note(member.id as SiteId, error.code, error.message);
    }
    throw error;
  }
  if (!member || !roles.includes(member.role)) {
    throw problem('role-mismatch', `This call is for a ${roles.join(' or a ')}.`);
  }
  return member;
}

/** Base URLs of the trackers that sites and pages may ask. */
export const listTrackerUrls = async (db: CentralDatabase): Promise<string[]> =>
  (await listJoined(db, 'tracker')).map(tracker => tracker.base_url);

export const formatTime = (ms: number): string => new Date(ms).toISOString();

/** A member for a time that may not have come yet. */
export const optionalTime = <Name extends string>(
  name: Name,
  ms: number | null,
): { readonly [key in Name]?: string } =>
  (ms === null ? {} : { [name]: formatTime(ms) }) as { readonly [key in Name]?: string };

/**
 * A browser that was led here by another site's page says so in Origin. Members and scripts send none.
 *
 * @throws Problem 403
 */
export function refuseForeignOrigin(request: FastifyRequest): void {
  const { origin, host } = request.headers;
  if (origin === undefined || ['GET', 'HEAD', 'OPTIONS'].includes(request.method)) return;
  if (!URL.canParse(origin) || new URL(origin).host !== host?.toLowerCase()) {
    throw problem(
      'cross-origin',
      'Changes are taken from central’s own pages, not from those of other sites.',
    );
  }
}
