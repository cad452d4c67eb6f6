/** The access tables, and the routes that the servers of all parts really have. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { FastifyInstance } from 'fastify';
import { CENTRAL_ACCESS } from '../../src/central/web/access-table.ts';
import type { AccessTable } from '../../src/kernel/access/access.ts';
import { SITE_ACCESS } from '../../src/site/http/access-table.ts';
import { TRACKER_ACCESS } from '../../src/tracker/http/access-table.ts';

export type Part = 'central' | 'site' | 'tracker';

export const TABLES: Readonly<Record<Part, AccessTable>> = {
  central: CENTRAL_ACCESS,
  site: SITE_ACCESS,
  tracker: TRACKER_ACCESS,
};

/** A call without its remark in parentheses. */
export const nameOf = (call: string): string => call.replace(/ \(.*/, '');

/** True if nobody's role matters for this call. */
export const isFixed = (part: Part, call: string): boolean =>
  ['open', 'member', 'part'].includes(TABLES[part][nameOf(call)] as string);

const CHANNEL = 'fastify.initialization';

/** Runs `start` and notes the routes of every server that it creates. */
export async function noteRoutes<T>(start: () => Promise<T>): Promise<{ started: T; routes: Set<string> }> {
  const routes = new Set<string>();
  const onServer = (message: unknown): void => {
    const { fastify } = message as { readonly fastify: FastifyInstance };
    fastify.addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) routes.add(`${one} ${url}`);
    });
  };
  subscribe(CHANNEL, onServer);
  try {
    return { started: await start(), routes };
  } finally {
    unsubscribe(CHANNEL, onServer);
  }
}
