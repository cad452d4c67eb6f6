/** The pages: a few built files, read once at startup and served from memory under a strict content security policy. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { problem } from '../problem.ts';
import { gzipEtag } from './coding/gzip.ts';
import type { HttpServer } from './server.ts';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

const LOST_PAGE = 'lost.html';
/** Written by the build: for each page with inline styles, their hashes. */
const STYLE_HASHES = 'style-hashes.json';
const FILE_HEADERS = { 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' };
const NO_FRAMES = { 'x-frame-options': 'DENY' };

interface PageFile {
  readonly body: Buffer;
  readonly type: string;
  readonly etag: string;
}

export interface PagesOptions {
  /** The built pages (`dist/ui`). */
  readonly directory: string;
  /** Maps a route pattern to a file, for example `/watch/:video` to `watch.html`. */
  readonly pages: Readonly<Record<string, string>>;
  /** The patterns of pages whose addresses may contain a token. No search engine may list them. */
  readonly unlisted: readonly string[];
  /** The only pages that others may contain: for each pattern, the origins of those that may contain it. */
  readonly framing?: Readonly<Record<string, (request: FastifyRequest) => Promise<readonly string[]>>>;
  /** Other origins that the pages may fetch from. */
  readonly connectTo: () => readonly string[] | Promise<readonly string[]>;
  /** The head of a page for programs. Without one, pages have only the title that the build gave them. */
  readonly headOf?: (pattern: string, request: FastifyRequest) => Promise<ServedHead | undefined>;
}

export interface ServedHead {
  /** It replaces the title. */
  readonly html: string;
  /** For `X-Robots-Tag`: what search engines may do with the page. Undefined: everything. */
  readonly robots: string | undefined;
}

function readPages(directory: string): ReadonlyMap<string, PageFile> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter(entry =>
    entry.isFile(),
  );
  return new Map(
    files.map(entry => {
      const path = join(entry.parentPath, entry.name);
      const body = readFileSync(path);
      const etag = etagOf(body);
      const type = CONTENT_TYPES[extname(path)] ?? 'application/octet-stream';
      return [relative(directory, path), { body, type, etag }];
    }),
  );
}

function readStyleHashes(files: ReadonlyMap<string, PageFile>): Readonly<Record<string, readonly string[]>> {
  const file = files.get(STYLE_HASHES);
  return file ? JSON.parse(file.body.toString()) : {};
}

const etagOf = (body: Buffer): string =>
  `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;

const TITLE = /<title>[^<]*<\/title>/;

function withHead(file: PageFile, html: string): PageFile {
  const body = Buffer.from(file.body.toString().replace(TITLE, () => html));
  return { ...file, body, etag: etagOf(body) };
}

export function servePages(app: HttpServer, options: PagesOptions): void {
  const files = readPages(options.directory);
  const styleHashes = readStyleHashes(files);
  const send = (name: string, request: FastifyRequest, reply: FastifyReply, cacheControl: string) => {
    const file = files.get(name);
    if (!file) throw problem('not-found', 'There is no such page.');
    reply.headers({ ...FILE_HEADERS, etag: file.etag, 'cache-control': cacheControl });
    return sendFile(file, request, reply);
  };
  const sendFile = (file: PageFile, request: FastifyRequest, reply: FastifyReply) => {
    const known = request.headers['if-none-match'];
    if (known === file.etag) return reply.code(304).send();
    if (known === gzipEtag(file.etag)) return reply.code(304).header('etag', known).send();
    return reply.type(file.type).send(file.body);
  };
  for (const [pattern, name] of Object.entries(options.pages)) {
    app.get(pattern, { schema: { hide: true } }, async (request, reply) => {
      const connectTo = await options.connectTo();
      const framedBy = (await options.framing?.[pattern]?.(request)) ?? [];
      const policy = { connectTo, styles: styleHashes[name] ?? [], framedBy };
      reply.header('content-security-policy', contentSecurityPolicy(policy));
      if (framedBy.length === 0) reply.headers(NO_FRAMES);
      if (options.unlisted.includes(pattern)) reply.header('x-robots-tag', 'noindex');
      const head = await options.headOf?.(pattern, request);
      if (head?.robots !== undefined) reply.header('x-robots-tag', head.robots);
      const file = files.get(name);
      if (!head || !file) return send(name, request, reply, 'no-cache');
      const described = withHead(file, head.html);
      reply.headers({ ...FILE_HEADERS, etag: described.etag, 'cache-control': 'no-cache' });
      return sendFile(described, request, reply);
    });
  }
  // For an unknown address, browsers get a page and programs get problem details.
  app.get('/*', { schema: { hide: true } }, async (request, reply) => {
    const page = files.get(LOST_PAGE);
    if (!page || !/\btext\/html\b/.test(request.headers.accept ?? '')) return reply.callNotFound();
    reply.headers({ ...FILE_HEADERS, ...NO_FRAMES, 'cache-control': 'no-store', vary: 'accept' });
    reply.header(
      'content-security-policy',
      contentSecurityPolicy({ connectTo: [], styles: [], framedBy: [] }),
    );
    return reply.code(404).type(page.type).send(page.body);
  });
  // The build puts a hash of the content into these names, so the files never change.
  app.get<{ Params: { '*': string } }>('/assets/*', { schema: { hide: true } }, (request, reply) =>
    send(`assets/${request.params['*']}`, request, reply, 'public, max-age=31536000, immutable'),
  );
}

interface PagePolicy {
  readonly connectTo: readonly string[];
  /** The hashes of the permitted inline styles. */
  readonly styles: readonly string[];
  /** The origins of pages that may contain this one. Empty: none. */
  readonly framedBy: readonly string[];
}

const contentSecurityPolicy = ({ connectTo, styles, framedBy }: PagePolicy): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    ["style-src 'self'", ...styles].join(' '),
    `img-src 'self' data: ${connectTo.join(' ')}`,
    "font-src 'self'",
    `media-src 'self' data: blob: ${connectTo.join(' ')}`,
    // hls.js reads the first steering manifest from a data: URI, and starts a text track with one.
    `connect-src 'self' data: ${connectTo.join(' ')}`,
    // hls.js creates its worker from a blob: URI.
    "worker-src 'self' blob:",
    "base-uri 'none'",
    "form-action 'self'",
    `frame-ancestors ${framedBy.length === 0 ? "'none'" : framedBy.join(' ')}`,
  ].join('; ');
