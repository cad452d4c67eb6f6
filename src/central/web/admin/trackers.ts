/** The operator's calls for trackers: list, invite and revoke. */
import * as z from 'zod';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { type Problem, problem } from '../../../kernel/problem.ts';
import { newId } from '../../../protocol/base/ids.ts';
import {
  newTrackerResponseSchema,
  newTrackerSchema,
  trackerListSchema,
  trackerSchema,
} from '../../../protocol/central.ts';
import type { MemberRow } from '../../database/schema.ts';
import { findMember, insertMember, invite, listMembers, revoke } from '../../database/sites.ts';
import { audit } from '../context/audit.ts';
import { type CentralContext, formatTime, optionalTime } from '../context/context.ts';
import { requireFreeBaseUrl } from './base-urls.ts';
import { describeInvitation, makeInvitation } from './invitations.ts';

type Tracker = z.infer<typeof trackerSchema>;
const parameters = z.object({ id: z.string().max(64) });

export function addTrackerCalls(app: HttpServer, context: CentralContext): void {
  const { db, changes } = context;

  app.get('/api/trackers', { schema: { response: { 200: trackerListSchema } } }, async () => {
    const rows = await listMembers(db, 'tracker');
    return { trackers: rows.filter(row => row.revoked_at === null).map(formatTracker) };
  });

  app.post(
    '/api/trackers',
    { schema: { body: newTrackerSchema, response: { 201: newTrackerResponseSchema } } },
    async (request, reply) => {
      const id = newId();
      const nowMs = Date.now();
      await requireFreeBaseUrl(db, request.body.baseUrl);
      const { joinToken, invitation } = makeInvitation(nowMs);
      await db.transaction().execute(async tx => {
        await insertMember(tx, { id, role: 'tracker', zone: [], ...request.body }, invitation, nowMs);
        const { name, baseUrl } = request.body;
        const after = { name, baseUrl };
        await audit(request, context, { action: 'tracker.create', object: `tracker:${id}`, after }, tx);
      });
      return reply.code(201).send({ tracker: await describe(id), ...describeInvitation(joinToken, context) });
    },
  );

  app.delete(
    '/api/trackers/:id',
    { schema: { params: parameters, response: { 200: trackerSchema } } },
    async request => {
      const { id } = request.params;
      await db.transaction().execute(async tx => {
        if (!(await revoke(tx, { role: 'tracker', id }, Date.now()))) throw unknownTracker();
        await audit(request, context, { action: 'tracker.revoke', object: `tracker:${id}` }, tx);
      });
      changes.notify();
      return describe(id);
    },
  );

  app.post(
    '/api/trackers/:id/join-token',
    { schema: { params: parameters, response: { 201: newTrackerResponseSchema } } },
    async (request, reply) => {
      const { id } = request.params;
      const { joinToken, invitation } = makeInvitation(Date.now());
      await db.transaction().execute(async tx => {
        if (!(await invite(tx, { role: 'tracker', id }, invitation))) throw unknownTracker();
        const after = { invited: true };
        await audit(request, context, { action: 'tracker.edit', object: `tracker:${id}`, after }, tx);
      });
      return reply.code(201).send({ tracker: await describe(id), ...describeInvitation(joinToken, context) });
    },
  );

  async function describe(id: string): Promise<Tracker> {
    const row = await findMember(db, id);
    if (row?.role !== 'tracker') throw unknownTracker();
    return formatTracker(row);
  }
}

const unknownTracker = (): Problem => problem('tracker-unknown', 'There is no such tracker.');

const formatTracker = (row: MemberRow): Tracker => ({
  id: row.id,
  name: row.name,
  baseUrl: row.base_url,
  createdAt: formatTime(row.created_at),
  ...optionalTime('joinedAt', row.joined_at),
  position: row.tracker_position,
  ...optionalTime('lastSeenAt', row.last_seen_at),
});
