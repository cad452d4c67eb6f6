/** The audit events of access itself, for every part: refused requests, and each use of the operator token. */
import type { IncomingMessage } from 'node:http';
import type { AuditEvent } from '../../protocol/people/audit.ts';
import type { AccessOptions } from '../access/access.ts';
import { whoOf } from '../access/authority.ts';
import { requestAddress } from '../access/request-address.ts';
import type { Prefix } from '../network.ts';

export interface AccessEventsDeps {
  /** Stores the event; those like it that follow within `windowMs` are only counted. */
  readonly count: (event: Omit<AuditEvent, 'at'>, windowMs?: number) => void;
  readonly trustedProxies: readonly Prefix[];
}

/** Reading with the operator token is recorded once an hour for each address, every change as such. */
const READING_MS = 3_600_000;

export function recordAccess({
  count,
  trustedProxies,
}: AccessEventsDeps): Required<Pick<AccessOptions, 'onRefused' | 'onBreakGlass'>> {
  const from = (request: IncomingMessage): string => requestAddress(request, trustedProxies);
  return {
    onRefused({ request, authority, action, object }) {
      count({
        who: whoOf(authority),
        from: from(request),
        action: 'access.refused',
        object: object ?? nameOf(request),
        after: { missing: action, request: nameOf(request) },
      });
    },
    onBreakGlass(request) {
      const isReading = ['GET', 'HEAD', 'OPTIONS'].includes(request.method ?? '');
      const event = {
        who: { kind: 'operator-token' },
        from: from(request),
        action: 'break-glass.use',
      } as const;
      if (isReading) count({ ...event, after: { request: 'GET' } }, READING_MS);
      else count({ ...event, object: nameOf(request) });
    },
  };
}

/** The method and path. The query may contain secrets. */
const nameOf = ({ method, url = '' }: IncomingMessage): string => `${method} ${url.split('?')[0]}`;
