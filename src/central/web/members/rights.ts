/** The feed of keys and rights that members follow, and the rotation of the master key. */
import * as z from 'zod';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { deriveSiteKey } from '../../../kernel/rights/rights-token.ts';
import { rightsPageSchema, rotationResponseSchema, rotationSchema } from '../../../protocol/rights.ts';
import { type LastRightsChange, lastRightsChange, listRightsChanges } from '../../database/grants.ts';
import { listMasters, type Master, rotateMaster } from '../../database/rights-keys.ts';
import { audit } from '../context/audit.ts';
import { type CentralContext, requireMember } from '../context/context.ts';
import { MAX_WAIT_S, SITE_CHECK_INTERVAL_MS, waitForChanges } from '../context/long-poll.ts';

type RightsHead = readonly [masters: readonly Master[], last: LastRightsChange];

const querySchema = z.object({
  after: z.coerce.number().int().nonnegative(),
  generation: z.coerce.number().int().min(0).max(255).default(0),
  /** Members of earlier versions do not ask for changes of people. */
  people: z.stringbool().default(false),
  wait: z.coerce.number().min(0).max(MAX_WAIT_S).default(0),
});

export function addRightsCalls(app: HttpServer, context: CentralContext): void {
  const { db, changes, secrets } = context;
  /** Cached per version of the notifier, because a thousand members may wait and all of them need the same. */
  let cached: { readonly version: number; readonly head: Promise<RightsHead> } | undefined;
  const readHead = (): Promise<RightsHead> => {
    if (cached?.version !== changes.version) {
      const head = Promise.all([listMasters(db, secrets, Date.now()), lastRightsChange(db)]);
      cached = { version: changes.version, head };
      head.catch(() => {
        cached = undefined;
      });
    }
    return cached.head;
  };

  app.get(
    '/api/rights',
    {
      schema: {
        description: 'Returns keys, private videos and revoked grants (site or tracker, signed).',
        querystring: querySchema,
        response: { 200: rightsPageSchema },
      },
    },
    async (request, reply) => {
      const { id, role } = await requireMember(request, context, 'site', 'tracker');
      const { after, generation, people, wait } = request.query;
      reply.header('cache-control', 'no-store');
      // The first read always queries the database, because it finds out whether the position is of this history.
      let isFirst = true;
      return waitForChanges({
        changes,
        reply,
        waitS: wait,
        checkIntervalMs: SITE_CHECK_INTERVAL_MS,
        async read() {
          const [masters, lastChange] = await readHead();
          const last = people ? Math.max(lastChange.videos, lastChange.people) : lastChange.videos;
          const mayHaveChanged = isFirst || last > after;
          isFirst = false;
          const changes = mayHaveChanged
            ? await listRightsChanges(
                db,
                { after, withVideos: role === 'site', withPeople: people },
                Date.now(),
              )
            : { position: after, more: false, videos: [], revoked: [], ...(people ? { people: [] } : {}) };
          return {
            ...changes,
            // The position also passes changes that do not concern this member or have expired.
            position: changes.more ? changes.position : Math.max(changes.position, last),
            keys: masters.map(({ generation, master, untilMs }) => ({
              generation,
              // A compromised site can make tokens only for itself.
              key: (role === 'site' ? deriveSiteKey(master, id) : master).toString('base64url'),
              ...(untilMs === undefined ? {} : { untilS: Math.ceil(untilMs / 1_000) }),
            })),
          };
        },
        hasChanges: page => page.position !== after || page.keys[0]?.generation !== generation,
      });
    },
  );

  app.post(
    '/api/rights/rotate',
    {
      schema: {
        description:
          'Makes a new master key. Links signed with the previous key stay valid for `keepS` seconds and must then be shared again (operator).',
        body: rotationSchema,
        response: { 200: rotationResponseSchema },
      },
    },
    async request => {
      const { keepS } = request.body;
      const generation = await db.transaction().execute(async tx => {
        const made = await rotateMaster(tx, secrets, keepS * 1_000, Date.now());
        await audit(request, context, { action: 'rights.rotate', after: { generation: made, keepS } }, tx);
        return made;
      });
      changes.notify();
      return { generation };
    },
  );
}
