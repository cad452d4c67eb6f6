/** The call that the pages make first: the trackers, and the viewers that the demo simulates. */
import { allowAnyOrigin, READ, servePreflight } from '../../kernel/http/cross-origin.ts';
import type { HttpServer } from '../../kernel/http/server.ts';
import { centralInfoSchema } from '../../protocol/central.ts';
import { type CentralContext, listTrackerUrls } from './context/context.ts';

export function addInfoCall(app: HttpServer, { db, config }: CentralContext): void {
  servePreflight(app, '/api/info', READ);
  app.get('/api/info', { schema: { response: { 200: centralInfoSchema } } }, async (_request, reply) => {
    allowAnyOrigin(reply);
    return { trackers: await listTrackerUrls(db), demoViewers: config.demoViewers };
  });
}
