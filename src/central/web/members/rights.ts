/** Keys and rights as members follow them, and the rotation of the master. */
import * as z from 'zod';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { deriveSiteKey } from '../../../kernel/rights/rights-token.ts';
import { rightsPageSchema, rotationResponseSchema, rotationSchema } from '../../../protocol/rights.ts';
import { lastRightsChange, listRightsChanges } from '../../database/grants.ts';
import { listMasters, type Master, rotateMaster } from '../../database/rights-keys.ts';
import { type CentralContext, requireMember, requireOperator } from '../context.ts';
import { MAX_WAIT_S, waitForChanges } from '../long-poll.ts';

/** The changes rings for every change; the thousand sites that wait here look this often at most. */
const LOOK_EVERY_MS = 500;

type Found = readonly [masters: readonly Master[], last: number];

const querySchema = z.object({
  after: z.coerce.number().int().nonnegative(),
  generation: z.coerce.number().int().min(0).max(255).default(0),
  wait: z.coerce.number().min(0).max(MAX_WAIT_S).default(0),
});

export function addRightsCalls(app: HttpServer, context: CentralContext): void {
  const { db, changes, secrets } = context;
  /** The changes rings for every record that comes in, and a thousand may wait: what all of them ask is asked once a ring. */
  let looked: { readonly rings: number; readonly found: Promise<Found> } | undefined;
  const look = (): Promise<Found> => {
    if (looked?.rings !== changes.version) {
      const found = Promise.all([listMasters(db, secrets, Date.now()), lastRightsChange(db)]);
      looked = { rings: changes.version, found };
      found.catch(() => {
        looked = undefined;
      });
    }
    return looked.found;
  };

  app.get(
    '/api/rights',
    {
      schema: {
        description: 'Keys, private videos and revoked grants (site or tracker, signed).',
        querystring: querySchema,
        response: { 200: rightsPageSchema },
      },
    },
    async (request, reply) => {
      const { id, role } = await requireMember(request, context, 'site', 'tracker');
      const { after, generation, wait } = request.query;
      reply.header('cache-control', 'no-store');
      // Whether central knows where the asker stands is seen once.
      let isFirst = true;
      return waitForChanges({
        changes,
        reply,
        waitS: wait,
        checkEveryMs: LOOK_EVERY_MS,
        async read() {
          const [masters, last] = await look();
          const mayBeNews = isFirst || last > after;
          isFirst = false;
          const changes = mayBeNews
            ? await listRightsChanges(db, after, role === 'site', Date.now())
            : { position: after, more: false, videos: [], revoked: [] };
          return {
            ...changes,
            // What concerns others or is over by now has been passed, too.
            position: changes.more ? changes.position : Math.max(changes.position, last),
            keys: masters.map(({ generation, master, untilMs }) => ({
              generation,
              // A site that is broken into can make tokens for itself alone.
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
          'A new master key; what the one before has signed counts for a while (operator). Whoever has a link needs it anew after that.',
        body: rotationSchema,
        response: { 200: rotationResponseSchema },
      },
    },
    async request => {
      requireOperator(request, context);
      const generation = await rotateMaster(db, secrets, request.body.keepS * 1_000, Date.now());
      changes.notify();
      return { generation };
    },
  );
}
