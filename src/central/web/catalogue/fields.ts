/** The call for the operator's own fields of videos. */
import { allowAnyOrigin, READ, servePreflight } from '../../../kernel/http/cross-origin.ts';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { fieldListSchema } from '../../../protocol/catalogue/fields.ts';
import type { CentralContext } from '../context/context.ts';

export function addFieldCalls(app: HttpServer, { config }: CentralContext): void {
  servePreflight(app, '/api/fields', READ);
  app.get(
    '/api/fields',
    {
      schema: {
        description: 'Lists the fields that the operator has declared for videos.',
        response: { 200: fieldListSchema },
      },
    },
    async (_request, reply) => {
      allowAnyOrigin(reply);
      return { fields: config.fields };
    },
  );
}
