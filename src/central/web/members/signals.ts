/** Receives the signals of sites, and lists them for operators. */
import * as z from 'zod';
import { failpoint } from '../../../kernel/failpoint.ts';
import type { HttpServer } from '../../../kernel/http/server.ts';
import type { SiteId } from '../../../protocol/base/ids.ts';
import {
  refusalReportSchema,
  type Signal,
  type SignalResponse,
  signalListSchema,
  signalResponseSchema,
} from '../../../protocol/central.ts';
import { formatCursor, parseCursor } from '../../database/cursor.ts';
import { listSignals, storeSignal } from '../../database/publication/signals.ts';
import type { SignalRow } from '../../database/schema.ts';
import { type CentralContext, formatTime, optionalTime, requireSite } from '../context/context.ts';

const listQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: z.string().max(200).optional(),
});

export function addSignalCalls(app: HttpServer, context: CentralContext): void {
  const { db } = context;

  app.post(
    '/api/signals',
    { schema: { response: { 202: signalResponseSchema } } },
    async (request, reply) => {
      const member = await requireSite(request, context);
      return reply.code(202).send(await receiveSignal(context, member.id, Date.now()));
    },
  );

  app.post(
    '/api/refusals',
    { schema: { body: refusalReportSchema, response: { 202: z.object({}) } } },
    async (request, reply) => {
      const { id } = await requireSite(request, context);
      const { code, detail } = request.body;
      await context.rejections.note(id, code, `Rejected by the site: ${detail}`);
      return reply.code(202).send({});
    },
  );

  app.get(
    '/api/signals',
    { schema: { querystring: listQuerySchema, response: { 200: signalListSchema } } },
    async request => {
      const { limit, cursor } = request.query;
      const rows = await listSignals(db, limit, cursor === undefined ? undefined : parseCursor(cursor));
      const page = rows.slice(0, limit);
      const last = rows.length > limit ? page.at(-1) : undefined;
      return {
        signals: page.map(formatSignal),
        ...(last ? { next: formatCursor({ at: last.received_at, id: last.id }) } : {}),
      };
    },
  );
}

/** Stores a signal before the response is sent, because the site then sets its signal flag to "sent". */
export async function receiveSignal(
  { db, collector, metrics, signalRate }: Pick<CentralContext, 'db' | 'collector' | 'metrics' | 'signalRate'>,
  site: SiteId,
  nowMs: number,
): Promise<SignalResponse> {
  failpoint('signal-received');
  const mayJoin = signalRate.isExceeded(site, nowMs);
  const { id, epoch } = await storeSignal(db, { site, atMs: nowMs, mayJoin });
  failpoint('signal-stored');
  metrics.signals.inc();
  collector.wake(site);
  return { signal: id, receivedAt: formatTime(nowMs), ...(epoch ? { epoch } : {}) };
}

const formatSignal = (row: SignalRow & { readonly site_name: string }): Signal => ({
  id: row.id,
  site: { id: row.site_id, name: row.site_name },
  receivedAt: formatTime(row.received_at),
  ...optionalTime('handledAt', row.handled_at),
  attempts: row.attempts,
  ...(row.records === null ? {} : { records: row.records }),
  ...(row.last_error === null ? {} : { lastError: row.last_error }),
  ...(row.error_code === null ? {} : { errorCode: row.error_code }),
});
