/** Writes refusals by the rules against escalation into the audit log. */

import { whoOf } from '../../../kernel/access/authority.ts';
import { requestAddress } from '../../../kernel/access/request-address.ts';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { RefusedByRule } from '../../people/rules.ts';
import { authorityOf, type CentralContext } from '../context/context.ts';

export function auditRefusals(app: HttpServer, context: CentralContext): void {
  app.addHook('onError', async (request, _reply, error: unknown) => {
    if (!(error instanceof RefusedByRule)) return;
    context.audit.count({
      who: whoOf(await authorityOf(request, context)),
      from: requestAddress(request.raw, context.config.trustedProxies),
      action: 'access.refused',
      object: `${request.method} ${request.url.split('?')[0]}`,
      after: { permission: error.permission ?? null },
    });
  });
}
