/**
 * The link: a connection that a site behind NAT opens to central, so that central can read the site's database. It carries the
 * requests of the gateway in the opposite direction: the site polls for requests; each is a request to its gateway, signed by
 * central as over HTTP; the site sends each response with a separate call.
 */
import * as z from 'zod';

/** How long central holds a poll if there are no requests, in seconds. */
export const LINK_WAIT_S = 25;
export const MAX_LINK_REQUESTS = 16;

/** The authority for which a request is signed. It names the site, so that no other site accepts the request. */
export const linkAuthority = (site: string): string => `${site}.link`;

/** `POST /api/link/requests` (site, signed) */
export const linkPollSchema = z.object({
  /** True if central should use the link even if it can reach the gateway of the site. */
  preferred: z.boolean(),
  /** False for the first poll after the link was opened, which central answers at once. */
  wait: z.boolean(),
});

export const linkRequestSchema = z.object({
  id: z.string().min(1).max(64),
  method: z.enum(['GET', 'POST']),
  /** Path and query. Only the gateway can be reached over the link. */
  path: z.string().regex(/^\/gateway\/[\x21-\x7e]{1,500}$/),
  headers: z.record(z.string().max(64), z.string().max(2_000)),
  body: z.string(),
});
export type LinkRequest = z.infer<typeof linkRequestSchema>;
export const linkRequestsSchema = z.object({
  requests: z.array(linkRequestSchema).max(MAX_LINK_REQUESTS),
});

/** `POST /api/link/responses/{id}?status=` (site, signed): the body is the unchanged response of the gateway. */
export const linkResponseQuerySchema = z.object({ status: z.coerce.number().int().min(100).max(599) });
export const LINK_RESPONSE_TYPE = 'application/octet-stream';
