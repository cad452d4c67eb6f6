/** The call with which sites keep the lists of series and of the operator's fields. */
import { ANONYMOUS } from '../../../kernel/access/authority.ts';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { sha256Hex } from '../../../kernel/identity/keys.ts';
import {
  centralListsSchema,
  listsQuerySchema,
  MAX_SERIES,
} from '../../../protocol/catalogue/central-lists.ts';
import { listSeries, readSeriesPosition } from '../../database/series/series.ts';
import { describeSeries } from '../catalogue/describe-series.ts';
import { type CentralContext, requireSite } from '../context/context.ts';
import { SITE_CHECK_INTERVAL_MS, waitForChanges } from '../context/long-poll.ts';

/** The counts of videos change often. Sites read them again after this time. */
const COUNTS_MS = 3_600_000;

export function addListCalls(app: HttpServer, context: CentralContext): void {
  const { db, config, changes } = context;
  const fieldsHash = sha256Hex(JSON.stringify(config.fields)).slice(0, 16);
  /** Cached per version of the notifier, because a thousand sites may wait. */
  let cached: { readonly version: number; readonly position: Promise<number> } | undefined;
  const readPosition = (): Promise<number> => {
    if (cached?.version !== changes.version) {
      const position = readSeriesPosition(db);
      cached = { version: changes.version, position };
      position.catch(() => {
        cached = undefined;
      });
    }
    return cached.position;
  };

  app.get(
    '/api/lists',
    {
      schema: {
        description: 'Returns the series and the fields of the operator (site, signed).',
        querystring: listsQuerySchema,
        response: { 200: centralListsSchema },
      },
    },
    async (request, reply) => {
      await requireSite(request, context);
      reply.header('cache-control', 'no-store');
      const { known, wait } = request.query;
      const version = await waitForChanges({
        changes,
        reply,
        waitS: wait,
        checkIntervalMs: SITE_CHECK_INTERVAL_MS,
        read: async () => `${await readPosition()}.${fieldsHash}.${Math.floor(Date.now() / COUNTS_MS)}`,
        hasChanges: version => version !== known,
      });
      if (version === known) return { version };
      const rows = await listSeries(db, { limit: MAX_SERIES - 1 });
      return {
        version,
        series: rows.slice(0, MAX_SERIES).map(row => describeSeries(ANONYMOUS, row)),
        fields: config.fields,
      };
    },
  );
}
