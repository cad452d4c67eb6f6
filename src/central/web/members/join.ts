/** Enrolment: a site or tracker registers the public key that it made itself, with its join token. */

import { requestAddress } from '../../../kernel/access/request-address.ts';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { requireSigner } from '../../../kernel/http/signed-requests.ts';
import { sha256Hex } from '../../../kernel/identity/keys.ts';
import { problem } from '../../../kernel/problem.ts';
import {
  joinRequestSchema,
  joinResponseSchema,
  memberInfoQuery,
  memberInfoSchema,
} from '../../../protocol/central.ts';
import { readEpoch } from '../../database/publication/epochs.ts';
import { isSite } from '../../database/schema.ts';
import { type Enrolment, enrol, findInvited } from '../../database/sites.ts';
import { type CentralContext, listTrackerUrls, requireMember } from '../context/context.ts';

/** The key id for requests to join. A member that joins has no id yet. */
const JOIN_KEY_ID = 'join';

const REJECTIONS = {
  unknown: [
    'join-token-unknown',
    'Central does not know this join token. Create a new one on its admin page, set joinToken, and restart this part.',
  ],
  expired: [
    'join-token-expired',
    'This join token has expired: it was valid for 30 minutes. Create a new one on the admin page of central, set joinToken, and restart this part.',
  ],
  retired: [
    'key-retired',
    'This key was revoked or replaced, and is not enrolled again. Join with a new key: a member of this version makes one.',
  ],
  used: [
    'join-token-used',
    'This join token has already been used by another part. Create a new one on the admin page of central, set joinToken, and restart this part.',
  ],
} as const;

function requireEnrolled(enrolment: Enrolment): asserts enrolment is Extract<Enrolment, { member: unknown }> {
  if (enrolment.outcome === 'enrolled') return;
  const [code, detail] = REJECTIONS[enrolment.outcome];
  throw problem(code, detail);
}

export function addJoinCalls(app: HttpServer, context: CentralContext): void {
  const { db, recipient, publicKey, changes } = context;

  app.post(
    '/api/join',
    { schema: { body: joinRequestSchema, response: { 200: joinResponseSchema } } },
    async request => {
      const tokenHash = sha256Hex(request.body.joinToken);
      const ownKey = request.body.publicKey;
      // The token is checked first, so that a request without one costs neither a signature check nor a stored nonce.
      const invited = await findInvited(db, tokenHash, ownKey, Date.now());
      requireEnrolled(invited);
      // The signature proves that the member holds the private key.
      await requireSigner(
        request,
        keyId => Promise.resolve(keyId === JOIN_KEY_ID ? ownKey : undefined),
        recipient,
      );
      const member = await db.transaction().execute(async tx => {
        const enrolment = await enrol(tx, tokenHash, ownKey, Date.now());
        requireEnrolled(enrolment);
        const { id, name, role } = enrolment.member;
        // A member that did not receive the first response repeats the call.
        if (invited.member.join_used_at !== null) return enrolment.member;
        await context.audit.append(
          {
            who: { kind: 'member', id, name },
            from: requestAddress(request.raw, context.config.trustedProxies),
            action: 'member.join',
            object: `${role}:${id}`,
            after: { publicKey: ownKey },
          },
          tx,
        );
        return enrolment.member;
      });
      changes.notify();
      return {
        role: member.role,
        id: member.id,
        name: member.name,
        baseUrl: member.base_url,
        centralPublicKey: publicKey,
        trackers: await listTrackerUrls(db),
      };
    },
  );

  const schema = { querystring: memberInfoQuery, response: { 200: memberInfoSchema } };
  app.get('/api/member', { schema }, async request => {
    const member = await requireMember(request, context, 'site', 'tracker');
    const epoch = isSite(member) ? await readEpoch(db, member.id) : undefined;
    return {
      trackers: await listTrackerUrls(db),
      ...(epoch ? { epoch } : {}),
      ...(member.last_error_code === 'peer-unreachable' ? { unreachable: true } : {}),
      ...(request.query.settings ? { settings: { name: member.name, baseUrl: member.base_url } } : {}),
    };
  });
}
