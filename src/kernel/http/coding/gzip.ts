/**
 * Compresses text for clients that ask for it (RFC 9110, sections 8.4 and 12.5.3). Only gzip: every player and browser accepts
 * it, and one coding means one compressed form of each response.
 */
import { promisify } from 'node:util';
import { gzip, gzipSync } from 'node:zlib';
import type { FastifyInstance } from 'fastify';

/** A shorter response fits into one packet anyway. */
const MIN_BYTES = 1_000;
const TEXT =
  /^(?:text\/|application\/(?:[a-z.-]+\+)?(?:json|xml)\b|application\/(?:vnd\.apple\.|javascript\b)|image\/svg)/;

export const isWorthGzip = (bytes: number): boolean => bytes >= MIN_BYTES;
export const isText = (contentType: string): boolean => TEXT.test(contentType);

/** True if the client accepts gzip, and does not prefer the plain form. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  if (acceptEncoding === undefined) return false;
  const weights = new Map<string, number>();
  for (const part of acceptEncoding.toLowerCase().split(',', 32)) {
    const [name = '', ...parameters] = part.split(';').map(text => text.trim());
    const quality = parameters.find(text => text.startsWith('q='));
    weights.set(name, quality === undefined ? 1 : Number(quality.slice(2)));
  }
  const weight = weights.get('gzip') ?? weights.get('x-gzip') ?? weights.get('*') ?? 0;
  return weight > 0 && weight >= (weights.get('identity') ?? 0);
}

/** The entity tag of the compressed form: a strong one may not name two sequences of bytes (RFC 9110, section 8.8.3.3). */
export const gzipEtag = (etag: string): string => etag.replace(/"$/, '-gzip"');

export const gzipNow = (body: string | Buffer): Buffer => gzipSync(body);
const gzipLater = promisify<Buffer, Buffer>(gzip);
/** Files that are sent again and again are compressed once. */
const compressed = new WeakMap<Buffer, Promise<Buffer>>();

/** Compresses the responses of the framework. */
export function serveGzip(app: Pick<FastifyInstance, 'addHook'>): void {
  app.addHook('onSend', async (request, reply, payload) => {
    const isBody = typeof payload === 'string' || Buffer.isBuffer(payload);
    if (!isBody || !isText(String(reply.getHeader('content-type') ?? ''))) return payload;
    if (reply.hasHeader('content-encoding') || !isWorthGzip(Buffer.byteLength(payload))) return payload;
    const vary = reply.getHeader('vary');
    reply.header('vary', vary === undefined ? 'Accept-Encoding' : `${vary}, Accept-Encoding`);
    if (!acceptsGzip(request.headers['accept-encoding']?.toString())) return payload;
    reply.header('content-encoding', 'gzip').removeHeader('content-length');
    const etag = reply.getHeader('etag');
    if (typeof etag === 'string') reply.header('etag', gzipEtag(etag));
    if (typeof payload === 'string') return gzipLater(Buffer.from(payload));
    const pending = compressed.get(payload) ?? gzipLater(payload);
    compressed.set(payload, pending);
    return pending;
  });
}
