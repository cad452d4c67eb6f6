/** One probe of a site: its own status, and a file of a video that it holds, compared with the bytes served before. */
import { createHash, randomBytes } from 'node:crypto';
import { get as httpGet, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { get as httpsGet } from 'node:https';
import * as z from 'zod';
import { formatAddress } from '../../kernel/http/client.ts';
import { TimeLimitExceeded, withinLimit } from '../../kernel/lifecycle/time-limit.ts';
import { messageOf } from '../../kernel/problem.ts';
import { type SiteProbe, siteProbeSchema } from '../../protocol/site.ts';
import type { RegisteredSite } from '../registry/registry.ts';
import type { ProbeFile, ProbeFiles } from './probe-files.ts';

/** A dead or silent site is excluded after at most interval + timeout + retry + timeout = 2.6 s. */
const TIMEOUT_MS = 700;
const MAX_STATUS_BYTES = 4_096;
const MAX_FILE_BYTES = 65_536;

export interface ProbeResult {
  readonly probe: SiteProbe;
  readonly address: string;
  readonly elapsedMs: number;
}

/** The site serves other content than it should. */
class WrongContent extends Error {}

/** Each probe opens new connections, as a new viewer would. The time limit covers the whole probe. */
export const probeSite = (
  site: RegisteredSite,
  files: ProbeFiles,
  abort: AbortSignal,
): Promise<ProbeResult> =>
  withinLimit(TIMEOUT_MS, abort, async limit => {
    const [result] = await Promise.all([fetchStatus(site, limit), checkContent(site, files, limit)]);
    return result;
  });

/** A site whose buffer has lost its origin cannot serve the newest video, but may serve all others. */
async function checkContent(site: RegisteredSite, files: ProbeFiles, abort: AbortSignal): Promise<void> {
  const [newest, served] = files.of(site.site);
  if (!newest) return;
  try {
    await checkFile(site, newest, files, abort);
  } catch (error) {
    if (!served || error instanceof WrongContent || abort.aborted) throw error;
    await checkFile(site, served, files, abort);
  }
}

async function fetchStatus(site: RegisteredSite, abort: AbortSignal): Promise<ProbeResult> {
  const nonce = randomBytes(12).toString('base64url');
  const started = performance.now();
  const response = await open(new URL(`/probe?nonce=${nonce}`, site.baseUrl), abort);
  const { remoteAddress = '', remotePort = 0 } = response.socket;
  const text = (await readBody(response, MAX_STATUS_BYTES)).toString('utf8');
  if (response.statusCode !== 200) throw new Error(`responded with ${response.statusCode}`);
  const probe = siteProbeSchema.parse(JSON.parse(text));
  if (probe.nonce !== nonce) throw new Error('the response is not for this request');
  if (probe.site !== undefined && probe.site !== site.site)
    throw new Error('another site responds at this address');
  const address = formatAddress(remoteAddress, remotePort);
  return { probe, address, elapsedMs: performance.now() - started };
}

/** The random query bypasses caches between tracker and site; the site ignores it. */
async function requestFile(
  site: RegisteredSite,
  { path }: ProbeFile,
  headers: OutgoingHttpHeaders,
  abort: AbortSignal,
): Promise<FileResponse> {
  const url = new URL(path, site.baseUrl);
  url.searchParams.set('probe', randomBytes(6).toString('hex'));
  const response = await open(url, abort, headers);
  const body = await readBody(response, MAX_FILE_BYTES);
  return { statusCode: response.statusCode, body, refusal: refusalOf(response, body) };
}

interface FileResponse {
  readonly statusCode: number | undefined;
  readonly body: Buffer;
  /** The problem code of a 503. */
  readonly refusal: string | undefined;
}

function refusalOf({ statusCode, headers }: IncomingMessage, body: Buffer): string | undefined {
  if (statusCode !== 503 || !headers['content-type']?.startsWith('application/problem+json'))
    return undefined;
  try {
    return z.object({ code: z.string() }).parse(JSON.parse(body.toString('utf8'))).code;
  } catch {
    return undefined;
  }
}

/** A site that refuses requests by its own limits works. Its status has the load, which the choice takes into account. */
const LIMITS: ReadonlySet<string | undefined> = new Set(['link-full', 'budget-used', 'busy']);
/** A request of another site. Its value names no site. */
const FILL_HEADERS = { 'tributary-fill': 'probe' } as const;

async function checkFile(
  site: RegisteredSite,
  file: ProbeFile,
  files: ProbeFiles,
  abort: AbortSignal,
): Promise<void> {
  let response = await requestFile(site, file, {}, abort);
  // A site that serves no viewers still serves the sites that fill from it.
  if (response.refusal === 'uploads-only') response = await requestFile(site, file, FILL_HEADERS, abort);
  if (LIMITS.has(response.refusal)) return;
  const { body } = response;
  // The video was withdrawn or has a new revision that the feed has not announced yet. The site works correctly.
  if (response.statusCode === 410 || response.statusCode === 404) {
    files.forget(site.site, file);
    return;
  }
  if (response.statusCode !== 200)
    throw new Error(`responded with ${response.statusCode} for a video that it holds`);
  // ISO/IEC 14496-12, section 4.3: an init segment begins with its file type.
  if (body.length < 16 || body.toString('latin1', 4, 8) !== 'ftyp')
    throw new WrongContent('serves something other than video');
  const sha256 = createHash('sha256').update(body).digest('base64url');
  // A revision never changes, so the bytes served first must be served from then on, by every site.
  if (!files.matches(file, sha256)) throw new WrongContent('serves other bytes than before: not the video');
  files.recordServed(site.site, file);
}

const open = (url: URL, abort: AbortSignal, headers: OutgoingHttpHeaders = {}): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const get = url.protocol === 'https:' ? httpsGet : httpGet;
    get(url, { agent: false, signal: abort, headers }, resolve).on('error', reject);
  });

async function readBody(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new Error('the response is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** True if the failure may be caused by the tracker's own network. A site that refuses or responds incorrectly is reachable. */
export function isUnreachable(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  if (typeof code === 'string')
    return ['ENETUNREACH', 'EHOSTUNREACH', 'ENETDOWN', 'ETIMEDOUT', 'EAI_AGAIN', 'ENOTFOUND'].includes(code);
  return error instanceof TimeLimitExceeded;
}

/** A refused connection to a name with several addresses has only a code and no message. */
export const reasonOf = (error: unknown): string => {
  if (error instanceof z.ZodError || error instanceof SyntaxError) return 'the responder is not a site';
  return (messageOf(error) || (error as { code?: string }).code || 'unreachable').slice(0, 200);
};
