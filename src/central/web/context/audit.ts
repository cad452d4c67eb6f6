/** Writes audit entries about requests to central: who made them, and from where. */
import type { FastifyRequest } from 'fastify';
import { whoOf } from '../../../kernel/access/authority.ts';
import { requestAddress } from '../../../kernel/access/request-address.ts';
import type { NewEvent } from '../../audit/audit.ts';
import type { CentralTransaction } from '../../database/schema.ts';
import { authorityOf, type CentralContext } from './context.ts';

/** What a handler knows about a change. */
export type AuditedChange = Pick<NewEvent, 'action' | 'object' | 'before' | 'after'>;

/**
 * Stores an entry about this request. With `tx` it is part of that transaction and must come last in it. Never pass secrets: tokens,
 * passwords, codes, cookies or links.
 */
export async function audit(
  request: FastifyRequest,
  context: CentralContext,
  change: AuditedChange,
  tx?: CentralTransaction,
): Promise<void> {
  const who = whoOf(await authorityOf(request, context));
  const from = requestAddress(request.raw, context.config.trustedProxies);
  await context.audit.append({ who, from, ...change }, tx);
}
