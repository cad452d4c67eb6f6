/** One probe: what a site says of itself, and a file of a video that it holds, compared with what it was before. */
import { createHash, randomBytes } from 'node:crypto';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { get as httpsGet } from 'node:https';
import * as z from 'zod';
import { formatAddress } from '../../kernel/http/client.ts';
import { TimeLimitExceeded, withinLimit } from '../../kernel/lifecycle/time-limit.ts';
import { messageOf } from '../../kernel/problem.ts';
import { type SiteProbe, siteProbeSchema } from '../../protocol/site.ts';
import type { RegisteredSite } from '../registry/registry.ts';
import type { Sample, Samples } from './probe-files.ts';

/** Worst case until a dead or silent site is left out: interval + timeout + retry + timeout = 2.6 s. */
const TIMEOUT_MS = 700;
const MAX_ANSWER_BYTES = 4_096;
const MAX_SAMPLE_BYTES = 65_536;

export interface Answer {
  readonly probe: SiteProbe;
  readonly address: string;
  readonly elapsedMs: number;
}

/** What the site serves is not what it should be. */
export class WrongContent extends Error {}

/** Each probe opens connections of its own: a new viewer would have to, too. The limit holds for all of it. */
export const ask = (site: RegisteredSite, samples: Samples, signal: AbortSignal): Promise<Answer> =>
  withinLimit(TIMEOUT_MS, signal, async limit => {
    const [answer] = await Promise.all([askState(site, limit), checkContent(site, samples, limit)]);
    return answer;
  });

/** A site whose buffer has lost its origin cannot serve what was published just now, and may well serve all else. */
async function checkContent(site: RegisteredSite, samples: Samples, signal: AbortSignal): Promise<void> {
  const [newest, served] = samples.of(site.site);
  if (!newest) return;
  try {
    await checkSample(site, newest, samples, signal);
  } catch (error) {
    if (!served || error instanceof WrongContent || signal.aborted) throw error;
    await checkSample(site, served, samples, signal);
  }
}

async function askState(site: RegisteredSite, signal: AbortSignal): Promise<Answer> {
  const nonce = randomBytes(12).toString('base64url');
  const started = performance.now();
  const response = await open(new URL(`/probe?nonce=${nonce}`, site.baseUrl), signal);
  const { remoteAddress = '', remotePort = 0 } = response.socket;
  const text = (await readBody(response, MAX_ANSWER_BYTES)).toString('utf8');
  if (response.statusCode !== 200) throw new Error(`it answered ${response.statusCode}`);
  const probe = siteProbeSchema.parse(JSON.parse(text));
  if (probe.nonce !== nonce) throw new Error('it did not answer this question');
  if (probe.site !== undefined && probe.site !== site.site) throw new Error('another site answers there');
  const address = formatAddress(remoteAddress, remotePort);
  return { probe, address, elapsedMs: performance.now() - started };
}

/** The query keeps caches on the way from answering for the site; the site itself takes no notice of it. */
async function checkSample(
  site: RegisteredSite,
  sample: Sample,
  samples: Samples,
  signal: AbortSignal,
): Promise<void> {
  const url = new URL(sample.path, site.baseUrl);
  url.searchParams.set('probe', randomBytes(6).toString('hex'));
  const response = await open(url, signal);
  const body = await readBody(response, MAX_SAMPLE_BYTES);
  // Withdrawn, or made anew, and the feed has not said so yet: no fault of the site.
  if (response.statusCode === 410 || response.statusCode === 404) {
    samples.forget(site.site, sample);
    return;
  }
  if (response.statusCode !== 200)
    throw new Error(`it answered ${response.statusCode} for a video that it holds`);
  // ISO/IEC 14496-12, section 4.3: an init segment begins with its file type.
  if (body.length < 16 || body.toString('latin1', 4, 8) !== 'ftyp')
    throw new WrongContent('what it serves is no video');
  const sha256 = createHash('sha256').update(body).digest('base64url');
  // A revision never changes its bytes, so what was served first is what must be served ever after, everywhere.
  if (!samples.agrees(sample, sha256)) throw new WrongContent('what it serves is not the video that it was');
  samples.noteServed(site.site, sample);
}

const open = (url: URL, signal: AbortSignal): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const get = url.protocol === 'https:' ? httpsGet : httpGet;
    get(url, { agent: false, signal }, resolve).on('error', reject);
  });

async function readBody(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new Error('the answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Who refuses or answers wrongly is there; who cannot be reached may be well, and the tracker cut off. */
export function isUnreachable(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  if (typeof code === 'string')
    return ['ENETUNREACH', 'EHOSTUNREACH', 'ENETDOWN', 'ETIMEDOUT', 'EAI_AGAIN', 'ENOTFOUND'].includes(code);
  return error instanceof TimeLimitExceeded;
}

/** A refused connection to a name with several addresses has no message, only a code. */
export const reasonOf = (error: unknown): string => {
  if (error instanceof z.ZodError || error instanceof SyntaxError) return 'what answers there is no site';
  return (messageOf(error) || (error as { code?: string }).code || 'unreachable').slice(0, 200);
};
