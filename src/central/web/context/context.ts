/** The dependencies of central's calls, and the checks of who may make them. */
import type { FastifyRequest } from 'fastify';
import type { AccessGuard } from '../../../kernel/access/access.ts';
import type { Authority } from '../../../kernel/access/authority.ts';
import type { CredentialOptions } from '../../../kernel/access/credentials.ts';
import type { Signer } from '../../../kernel/http/client.ts';
import { type Recipient, RejectedSignature, requireSigner } from '../../../kernel/http/signed-requests.ts';
import type { SecretBox } from '../../../kernel/identity/secret-box.ts';
import type { Log } from '../../../kernel/log.ts';
import { problem } from '../../../kernel/problem.ts';
import type { Audit } from '../../audit/audit.ts';
import type { ChangeNotifier } from '../../change-notifier.ts';
import type { Collector } from '../../collector/collector.ts';
import type { CentralConfig } from '../../config.ts';
import { type CentralDatabase, isSite, type MemberRow, type SiteRow } from '../../database/schema.ts';
import { findMember, isActive, listJoined, type Role } from '../../database/sites.ts';
import type { CentralMetrics } from '../../metrics.ts';
import type { Providers } from '../../people/oidc/providers.ts';
import type { RejectionLog } from '../../rejection-log.ts';
import type { SignalRate } from '../../signal-rate.ts';
import type { Links } from '../../site-reader/links.ts';

export interface CentralContext {
  readonly config: CentralConfig;
  readonly log: Log;
  /** The URL at which browsers reach central: from the settings, never from a request. */
  ownUrl(): string;
  /** The providers with which people sign in. */
  readonly providers: Providers;
  readonly publicKey: string;
  /** Signs central's own requests to members. */
  readonly signer: Signer;
  /** The key with which all trackers sign sessions, so that a viewer may use any tracker. */
  readonly sessionKey: string;
  readonly db: CentralDatabase;
  /** The same database for reading only, in other threads on SQLite. */
  readonly reads: CentralDatabase;
  readonly secrets: SecretBox;
  readonly changes: ChangeNotifier;
  readonly collector: Collector;
  readonly links: Links;
  readonly metrics: CentralMetrics;
  /** Central as the recipient of signed requests. */
  readonly recipient: Recipient;
  readonly rejections: RejectionLog;
  /** Who makes a request, and what they may do. */
  readonly guard: AccessGuard;
  readonly credentials: CredentialOptions;
  /** The audit log. Handlers write to it with `audit` (`audit.ts`). */
  readonly audit: Audit;
  readonly signalRate: SignalRate;
}

/** The authority of a request, which the table of access rules has checked. */
export const authorityOf = (request: FastifyRequest, { guard }: CentralContext): Promise<Authority> =>
  guard.authorityOf(request.raw);

/**
 * Returns the member whose key signed this request. The identity comes from the key, never from the body.
 *
 * @throws Problem 401 if no current key of a member signed the request, 403 if the member has another role.
 */
export async function requireMember(
  request: FastifyRequest,
  { db, recipient, rejections }: Pick<CentralContext, 'db' | 'recipient' | 'rejections'>,
  ...roles: readonly Role[]
): Promise<MemberRow> {
  let member: MemberRow | undefined;
  const findKey = async (keyId: string): Promise<string | undefined> => {
    member = await findMember(db, keyId);
    return member && isActive(member) ? (member.public_key ?? undefined) : undefined;
  };
  try {
    await requireSigner(request, findKey, recipient);
  } catch (error) {
    if (error instanceof RejectedSignature && error.signer && member && isSite(member)) {
      await rejections.note(member.id, error.code, error.message);
    }
    throw error;
  }
  if (!member || !roles.includes(member.role)) {
    throw problem('role-mismatch', `This call is for a ${roles.join(' or a ')}.`);
  }
  return member;
}

/** The site whose key signed this request. @throws Problem as `requireMember` does */
export async function requireSite(
  request: FastifyRequest,
  context: Pick<CentralContext, 'db' | 'recipient' | 'rejections'>,
): Promise<SiteRow> {
  const member = await requireMember(request, context, 'site');
  if (!isSite(member)) throw problem('role-mismatch');
  return member;
}

/** The base URLs of the trackers that sites and pages may call. */
export const listTrackerUrls = async (db: CentralDatabase): Promise<string[]> =>
  (await listJoined(db, 'tracker')).map(tracker => tracker.base_url);

export const formatTime = (ms: number): string => new Date(ms).toISOString();

/** Returns an object with the member `name`, or an empty object if the time is null. */
export const optionalTime = <Name extends string>(
  name: Name,
  ms: number | null,
): { readonly [key in Name]?: string } =>
  (ms === null ? {} : { [name]: formatTime(ms) }) as { readonly [key in Name]?: string };

/**
 * Rejects changes that a page of another origin requests: its browser sends the Origin header. Members and scripts send none.
 *
 * @throws Problem 403
 */
export function rejectForeignOrigin(request: FastifyRequest): void {
  const { origin, host } = request.headers;
  if (origin === undefined || ['GET', 'HEAD', 'OPTIONS'].includes(request.method)) return;
  if (!URL.canParse(origin) || new URL(origin).host !== host?.toLowerCase()) {
    throw problem('cross-origin', 'Cross-origin request refused. Make changes from the pages of central.');
  }
}
