/** The calls for sites: the list for the pages, and inviting, editing, collecting and revoking for operators. */
import type { FastifyRequest } from 'fastify';
import * as z from 'zod';
import { findDifferences } from '../../../kernel/audit/differences.ts';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { type Problem, problem } from '../../../kernel/problem.ts';
import { isPostgresUrl } from '../../../kernel/sql/postgres.ts';
import { newSiteId, type SiteId, siteIdSchema } from '../../../protocol/base/ids.ts';
import { nameSchema } from '../../../protocol/base/text.ts';
import {
  baseUrlSchema,
  coordinatesSchema,
  newSiteResponseSchema,
  newSiteSchema,
  prefixSchema,
  type Site,
  type SiteSummary,
  siteListSchema,
  sitePolicyEditSchema,
  siteSchema,
  siteSummarySchema,
} from '../../../protocol/central.ts';
import { regionSchema } from '../../../protocol/copies.ts';
import { isAllowed, isAllowedSomewhere } from '../../../protocol/people/permissions.ts';
import { listPublications } from '../../database/publication/completeness.ts';
import { listClones, parseInstances } from '../../database/publication/instances.ts';
import { listPending, type Pending } from '../../database/publication/signals.ts';
import { isSite, type PublicationRow, type SiteRow } from '../../database/schema.ts';
import { listSiteStatus, type ReportedStatus } from '../../database/site-status-reports.ts';
import {
  countVideosBySite,
  editSite,
  findMember,
  findSiteSettings,
  insertMember,
  invite,
  listSites,
  revoke,
} from '../../database/sites.ts';
import { audit } from '../context/audit.ts';
import { authorityOf, type CentralContext, formatTime, optionalTime } from '../context/context.ts';
import { requireFreeBaseUrl } from './base-urls.ts';
import { describeInvitation, makeInvitation } from './invitations.ts';

/** A coverage zone of 10,000 prefixes exceeds the usual limit of 64 KB. */
const MAX_SITE_BYTES = 2 ** 20;

const parameters = z.object({ id: siteIdSchema });
const siteEditSchema = z
  .strictObject({
    name: nameSchema,
    baseUrl: baseUrlSchema,
    /** Null removes the coordinates. */
    coordinates: coordinatesSchema.nullable(),
    zone: z.array(prefixSchema).max(10_000),
    /**
     * The URL of the site's database, if central reads it by SQL (docs/databases.md). Null: central reads through the gateway. No
     * response contains it.
     */
    databaseUrl: z
      .string()
      .max(2_000)
      .refine(isPostgresUrl, 'must be a PostgreSQL URL such as postgres://user:password@host:5432/name')
      .nullable(),
    policy: sitePolicyEditSchema,
    /** Null removes the region. */
    region: regionSchema.nullable(),
  })
  .partial();
const collectResponseSchema = z.strictObject({
  /** The number of records of this site that were applied and acknowledged. */
  records: z.int().nonnegative(),
  /** Why not all records were applied. */
  error: z.string().optional(),
});

/** All sites, with what the requester may see of each. */
async function listForRequester(request: FastifyRequest, context: CentralContext): Promise<Site[]> {
  const { db } = context;
  const authority = await authorityOf(request, context);
  const publicCounts = await countVideosBySite(db, 'public');
  // The numbers of all are read only for those who may see them: reading them takes longer the more there are.
  const mayManage = isAllowedSomewhere(authority, 'manage-site');
  const counts = mayManage ? await countVideosBySite(db, 'all') : publicCounts;
  const sites = await describeSites(context, await listSites(db), counts);
  return sites.map(site =>
    isAllowed(authority, 'manage-site', { site: site.id })
      ? site
      : formatForEveryone(site, publicCounts.get(site.id) ?? NONE_HELD),
  );
}

export function addSiteCalls(app: HttpServer, context: CentralContext): void {
  const { db, changes, secrets, guard } = context;

  app.get('/api/sites', { schema: { response: { 200: siteListSchema } } }, async request => {
    return { sites: await listForRequester(request, context) };
  });

  app.get(
    '/api/sites/:id',
    { schema: { params: parameters, response: { 200: siteSummarySchema } } },
    async request => {
      const row = await findMember(db, request.params.id);
      if (!row || !isSite(row) || row.joined_at === null)
        throw problem('site-unknown', 'There is no such site.');
      return summarise(row, (await listSiteStatus(db, Date.now())).get(row.id));
    },
  );

  app.post(
    '/api/sites',
    {
      bodyLimit: MAX_SITE_BYTES,
      schema: { body: newSiteSchema, response: { 201: newSiteResponseSchema } },
    },
    async (request, reply) => {
      const id = newSiteId();
      const nowMs = Date.now();
      await requireFreeBaseUrl(db, request.body.baseUrl);
      const { joinToken, invitation } = makeInvitation(nowMs);
      await db.transaction().execute(async tx => {
        await insertMember(tx, { id, role: 'site', ...request.body }, invitation, nowMs);
        const { name, baseUrl } = request.body;
        await audit(
          request,
          context,
          { action: 'site.create', object: `site:${id}`, after: { name, baseUrl } },
          tx,
        );
      });
      changes.notify();
      return reply
        .code(201)
        .send({ site: await describeSite(context, id), ...describeInvitation(joinToken, context) });
    },
  );

  app.patch(
    '/api/sites/:id',
    {
      bodyLimit: MAX_SITE_BYTES,
      schema: {
        description:
          'Changes the settings of a site. `baseUrl` and `databaseUrl` need `manage-site` for everything.',
        params: parameters,
        body: siteEditSchema,
        response: { 200: siteSchema },
      },
    },
    async request => {
      const { id } = request.params;
      const { databaseUrl, ...edit } = request.body;
      await requireFreeBaseUrl(db, edit.baseUrl, id);
      const encryptedUrl = typeof databaseUrl === 'string' ? secrets.encrypt(databaseUrl) : databaseUrl;
      await db.transaction().execute(async tx => {
        const before = await findSiteSettings(tx, id);
        // Central connects to these addresses from its own network, so nobody chooses them who manages only one site.
        if (databaseUrl !== undefined || (edit.baseUrl ?? before.baseUrl) !== before.baseUrl)
          await guard.require(request.raw, 'manage-site', {}, `site:${id}`);
        if (!(await editSite(tx, id, { ...edit, databaseUrl: encryptedUrl }))) throw unknownSite();
        const change = findDifferences(before, await findSiteSettings(tx, id));
        await audit(request, context, { action: 'site.edit', object: `site:${id}`, ...change }, tx);
      });
      changes.notify();
      return describeSite(context, id);
    },
  );
  addMembershipCalls(app, context);
}

/** The calls that revoke a site, let it join again, and read its records now. */
function addMembershipCalls(app: HttpServer, context: CentralContext): void {
  const { db, collector, changes } = context;

  app.delete(
    '/api/sites/:id',
    { schema: { params: parameters, response: { 200: siteSchema } } },
    async request => {
      const { id } = request.params;
      await db.transaction().execute(async tx => {
        if (!(await revoke(tx, { role: 'site', id }, Date.now()))) throw unknownSite();
        await audit(request, context, { action: 'site.revoke', object: `site:${id}` }, tx);
      });
      changes.notify();
      return describeSite(context, id);
    },
  );

  app.post(
    '/api/sites/:id/join-token',
    { schema: { params: parameters, response: { 201: newSiteResponseSchema } } },
    async (request, reply) => {
      const { id } = request.params;
      const { joinToken, invitation } = makeInvitation(Date.now());
      await db.transaction().execute(async tx => {
        if (!(await invite(tx, { role: 'site', id }, invitation))) throw unknownSite();
        const after = { invited: true };
        await audit(request, context, { action: 'site.edit', object: `site:${id}`, after }, tx);
      });
      return reply
        .code(201)
        .send({ site: await describeSite(context, id), ...describeInvitation(joinToken, context) });
    },
  );

  app.post(
    '/api/sites/:id/collect',
    { schema: { params: parameters, response: { 200: collectResponseSchema } } },
    async request => {
      const site = await findMember(db, request.params.id);
      if (site?.role !== 'site') throw unknownSite();
      return collector.collect(request.params.id);
    },
  );
}

type Counts = Pick<Site, 'videos' | 'copies'>;
const NONE_HELD: Counts = { videos: 0, copies: 0 };

/**
 * Only those who may manage a site see how it isolates the decoding of media, the addresses of clones, how many videos exist that are
 * not public, and the text of its last error, which may name hosts, ports and users of an internal network. Its code says enough.
 */
function formatForEveryone(
  { conversion: _, clones: __, lastError: ___, publication, ...site }: Site,
  counts: Counts,
): Site {
  const { completeRecords: ____, ...others } = publication ?? {};
  return {
    ...site,
    ...(publication ? { publication: { epoch: publication.epoch, ...others } } : {}),
    ...counts,
  };
}

const unknownSite = (): Problem => problem('site-unknown', 'There is no such site.');

async function describeSite(context: CentralContext, id: SiteId): Promise<Site> {
  const row = await findMember(context.db, id);
  const counts = await countVideosBySite(context.db, 'all');
  const [site] = row && isSite(row) ? await describeSites(context, [row], counts) : [];
  if (!site) throw unknownSite();
  return site;
}

async function describeSites(
  { db, links }: CentralContext,
  rows: readonly SiteRow[],
  counts: ReadonlyMap<SiteId, Counts>,
): Promise<Site[]> {
  const pending = new Map((await listPending(db)).map(entry => [entry.site, entry]));
  const publications = await listPublications(db);
  const nowMs = Date.now();
  const statuses = await listSiteStatus(db, nowMs);
  return rows.map(row =>
    formatSite(row, {
      readBy: row.database_url !== null ? 'sql' : links.find(row.id) ? 'link' : 'gateway',
      pending: pending.get(row.id),
      publication: publications.get(row.id),
      held: counts.get(row.id) ?? NONE_HELD,
      status: statuses.get(row.id),
      nowMs,
    }),
  );
}

const formatPublication = (row: PublicationRow): NonNullable<Site['publication']> => ({
  epoch: Number(row.epoch),
  ...optionalTime('handshakeAt', row.handshake_at),
  ...(row.epoch_start === null && row.invalidated_because !== null
    ? { waitsBecause: row.invalidated_because }
    : {}),
  ...optionalTime('completeAt', row.complete_at),
  ...(row.complete_records === null ? {} : { completeRecords: Number(row.complete_records) }),
  ...optionalTime('differedAt', row.differed_at),
});

const formatClones = (row: PublicationRow | undefined, nowMs: number): Pick<Site, 'clones'> => {
  const clones = listClones(parseInstances(row?.instances ?? null), nowMs);
  if (clones.length === 0) return {};
  return { clones: clones.map(({ address, firstSeenMs }) => ({ address, since: formatTime(firstSeenMs) })) };
};

/** The state of a site that is not stored in its own row. */
interface SiteDetails {
  readonly readBy: Site['readBy'];
  readonly pending: Pending | undefined;
  readonly publication: PublicationRow | undefined;
  readonly held: Counts;
  readonly status: ReportedStatus | undefined;
  readonly nowMs: number;
}

/** Since when the site is down, or since when no tracker has reported it. Null for a site that is up. */
function stateSinceMs(status: ReportedStatus | undefined): number | null {
  if (status?.state === 'down') return status.downSinceMs ?? null;
  return status?.state === 'unknown' ? status.reportedAtMs : null;
}

const summarise = (row: SiteRow, status: ReportedStatus | undefined): SiteSummary => ({
  id: row.id,
  name: row.name,
  ...(row.latitude !== null && row.longitude !== null
    ? { coordinates: { latitude: row.latitude, longitude: row.longitude } }
    : {}),
  state:
    row.revoked_at !== null ? 'revoked' : row.joined_at === null ? 'invited' : (status?.state ?? 'unknown'),
  ...optionalTime('stateSince', stateSinceMs(status)),
  ...(row.region === null ? {} : { region: row.region }),
});

function formatSite(row: SiteRow, { readBy, pending, publication, held, status, nowMs }: SiteDetails): Site {
  return {
    ...summarise(row, status),
    baseUrl: row.base_url,
    zone: JSON.parse(row.zone),
    policy: JSON.parse(row.policy),
    createdAt: formatTime(row.created_at),
    ...optionalTime('joinedAt', row.joined_at),
    ...optionalTime('lastSignalAt', row.last_signal_at),
    ...optionalTime('lastCollectedAt', row.last_collected_at),
    ...(publication ? { publication: formatPublication(publication) } : {}),
    ...formatClones(publication, nowMs),
    ...(publication?.conversion ? { conversion: JSON.parse(publication.conversion) } : {}),
    ...(row.last_error === null ? {} : { lastError: row.last_error }),
    ...(row.last_error_code === null ? {} : { lastErrorCode: row.last_error_code }),
    pendingSignals: pending?.signals ?? 0,
    lagMs: pending ? Math.max(0, nowMs - pending.oldestAt) : 0,
    ...held,
    readBy,
  };
}
