/** Who makes a request, and what they may do: the result of checking its credential. */
import type { Who } from '../../protocol/people/audit.ts';
import type { Me } from '../../protocol/people/people.ts';
import type { HeldPermission, Holder } from '../../protocol/people/permissions.ts';

export interface Authority extends Holder {
  readonly person?:
    | { readonly id: string; readonly name: string; readonly email?: string | undefined }
    | undefined;
  /** Undefined: the request has no credential. */
  readonly via: Me['via'];
  readonly permissions: readonly HeldPermission[];
  /** The ids of the person's groups. */
  readonly groups: readonly string[];
  /** The session or token. */
  readonly credential?: { readonly id: string; readonly expiresMs: number } | undefined;
  /** The client is in a network whose viewers may watch internal videos without signing in. */
  readonly isInHouseNetwork?: boolean;
}

/** No credential. */
export const ANONYMOUS: Authority = { via: null, permissions: [], groups: [] };

/** No credential, in a house network. */
export const HOUSE_NETWORK: Authority = {
  ...ANONYMOUS,
  permissions: [{ permission: 'watch-internal', scope: 'everything' }],
  isInHouseNetwork: true,
};

/** The operator token: the credential for the first start and for emergencies. */
export const BREAK_GLASS: Authority = {
  via: 'operator-token',
  permissions: [{ permission: 'everything', scope: 'everything' }],
  groups: [],
};

/** The response to `GET /api/me`. */
export const describeMe = ({ person, via, permissions, groups, credential }: Authority): Me => ({
  person: person
    ? { id: person.id, name: person.name, ...(person.email === undefined ? {} : { email: person.email }) }
    : null,
  via,
  permissions: [...permissions],
  groups: [...groups],
  ...(credential
    ? { credential: credential.id, expiresAt: new Date(credential.expiresMs).toISOString() }
    : {}),
});

/** The person or credential in an entry of the audit log. */
export function whoOf({ person, via, credential, isInHouseNetwork }: Authority): Who {
  if (via === 'operator-token') return { kind: 'operator-token' };
  if (!person) return { kind: isInHouseNetwork ? 'house-network' : 'nobody' };
  return {
    kind: via === 'token' ? 'token' : 'person',
    id: person.id,
    name: person.name,
    ...(credential ? { credential: credential.id } : {}),
  };
}
