/** The audit log for people who may read it: pages by filter, and an export as JSON lines. */
import { Readable } from 'node:stream';
import * as z from 'zod';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { problem } from '../../../kernel/problem.ts';
import { auditPageSchema } from '../../../protocol/people/audit.ts';
import { AUDIT_ACTIONS } from '../../../protocol/people/audit-actions.ts';
import { type EntryFilter, listEntries, readEntries } from '../../database/audit/entries.ts';
import type { CentralContext } from '../context/context.ts';

const JSON_LINES = 'application/jsonl';
const timeSchema = z.iso.datetime({ offset: true, error: 'must be a time such as 2026-12-01T08:00:00Z' });

const querySchema = z.object({
  /** The `seq` of an entry: the list continues with those that follow it in `order`. */
  after: z.coerce.number().int().nonnegative().optional(),
  /** An action, for example `video.withdraw`, or its first part. */
  action: z.string().max(60).optional(),
  person: z.string().max(100).optional(),
  object: z.string().max(200).optional(),
  from: timeSchema.optional(),
  until: timeSchema.optional(),
  order: z.enum(['oldest', 'newest']).default('oldest'),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});

export function addAuditCalls(app: HttpServer, { db }: CentralContext): void {
  app.get(
    '/api/audit',
    {
      schema: {
        description:
          'Returns the entries of the audit log that match, with `Accept: application/jsonl` all of them, one on each line (read-audit).',
        querystring: querySchema,
        response: { 200: auditPageSchema },
      },
    },
    async (request, reply) => {
      const { after, order, limit } = request.query;
      const filter = parseFilter(request.query);
      reply.header('cache-control', 'no-store');
      if (request.headers.accept?.split(/[,;]/).some(type => type.trim() === JSON_LINES)) {
        reply.type(JSON_LINES).header('content-disposition', 'attachment; filename="audit.jsonl"');
        return reply.send(Readable.from(formatLines(readEntries(db, filter, { after, order }))) as never);
      }
      const found = await listEntries(db, filter, { after, order, limit });
      const entries = found.slice(0, limit);
      const last = found.length > limit ? entries.at(-1) : undefined;
      return { entries, ...(last ? { next: String(last.seq) } : {}) };
    },
  );
}

function parseFilter({ action, person, object, from, until }: z.infer<typeof querySchema>): EntryFilter {
  return {
    actions: action === undefined ? undefined : parseActions(action),
    person,
    object,
    fromMs: from === undefined ? undefined : Date.parse(from),
    untilMs: until === undefined ? undefined : Date.parse(until),
  };
}

/** @throws Problem 400 for an unknown action, whose list would always be empty */
function parseActions(text: string): readonly string[] {
  const actions = AUDIT_ACTIONS.filter(action => action === text || action.startsWith(`${text}.`));
  if (actions.length > 0) return actions;
  throw problem('request-invalid', `There is no action "${text}". Examples: video, video.withdraw, sign-in.`);
}

async function* formatLines(entries: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const entry of entries) yield `${JSON.stringify(entry)}\n`;
}
