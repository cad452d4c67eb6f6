/**
 * The HTTP server that every part's calls stand on: schemas in and out (zod), errors as problem details, signed calls,
 * and the four addresses that every part has: /healthz, /readyz, /metrics, /openapi.json.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer, STATUS_CODES } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import swagger from '@fastify/swagger';
import fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
} from 'fastify';
import {
  hasZodFastifySchemaValidationErrors,
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { ProblemCode } from '../../protocol/problems.ts';
import { isDiskFull } from '../files.ts';
import type { PublicKey } from '../identity/keys.ts';
import { type NonceMemory, verifyRequest } from '../identity/signatures.ts';
import type { Log } from '../log.ts';
import { formatProblem, messageOf, Problem, problem } from '../problem.ts';
import { findDatabaseProblem } from '../sql/database-error.ts';
import { type ConnectionLimit, createConnectionGate } from './connection-limit.ts';

const MAX_JSON_BODY_BYTES = 64 * 1024;
const MAX_HEADER_BYTES = 16 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;

declare module 'fastify' {
  interface FastifyRequest {
    /** The body's bytes as they came, for Content-Digest. */
    rawBody: Buffer;
  }
}

/** Has a server's new connections before node:http does. */
export interface ConnectionLane {
  /** `handOver` gives the connection to node:http, for good. */
  accept(socket: Socket, handOver: () => void): void;
  /** Ends the connections that were not handed over. */
  close(): void;
}

export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface HttpOptions {
  readonly part: string;
  readonly log: Log;
  /** A sentence that says what is missing, or undefined when ready. */
  readonly ready: () => string | undefined;
  /** Takes requests before the framework sees them (the buffer's hot path, uploads). False: not mine. */
  readonly before?: (request: IncomingMessage, response: ServerResponse) => boolean;
  readonly server?: ServerOptions;
}

export interface ServerOptions {
  readonly lane?: ConnectionLane | undefined;
  /** Speaks TLS with this certificate; `setSecureContext` of the server changes it. */
  readonly certificate?: SecureContextOptions | undefined;
  readonly connections?: ConnectionLimit | undefined;
}

type Compilers = NonNullable<FastifyServerOptions['schemaController']>['compilersFactory'];
/** Given at once: otherwise the framework makes its own first, and those take long. Its types know only of those. */
const ZOD_COMPILERS = {
  buildValidator: () => validatorCompiler,
  buildSerializer: () => serializerCompiler,
} as unknown as NonNullable<Compilers>;

const withTypes = (app: FastifyInstance) => app.withTypeProvider<ZodTypeProvider>();
export type HttpServer = ReturnType<typeof withTypes>;

export interface Http {
  readonly app: HttpServer;
  readonly metrics: Registry;
}

export async function createHttp(options: HttpOptions): Promise<Http> {
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  const app = withTypes(
    fastify({
      bodyLimit: MAX_JSON_BODY_BYTES,
      // `close` ends what is idle; a player's or a tracker's open request must not hold up the stop.
      forceCloseConnections: true,
      routerOptions: { maxParamLength: 200 },
      // What fails before there is a route to answer for it.
      frameworkErrors: (error, _request, reply) => void sendError(error, reply, options.log),
      clientErrorHandler: respondToClientError,
      schemaController: { compilersFactory: ZOD_COMPILERS },
      serverFactory: handler => createNodeServer(withBefore(handler, options.before), options.server),
    }),
  );
  app.addHook('preClose', async () => options.server?.lane?.close());
  app.decorateRequest('rawBody');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    request.rawBody = body as Buffer;
    if (request.rawBody.length === 0) return done(null, undefined);
    try {
      done(null, JSON.parse(request.rawBody.toString('utf8')));
    } catch {
      done(problem('json-malformed', 'The body is not JSON.'), undefined);
    }
  });
  app.setErrorHandler((error, _request, reply) => sendError(error, reply, options.log));
  app.setNotFoundHandler((request, reply) =>
    sendError(problem('not-found', `There is nothing at ${request.url.split('?')[0]}.`), reply, options.log),
  );
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: `Tributary ${options.part}`, version: '0.1.0', license: { name: 'Apache-2.0' } },
    },
    transform: jsonSchemaTransform,
  });
  app.get('/healthz', { schema: { hide: true } }, () => ({ status: 'alive' }));
  app.get('/readyz', { schema: { hide: true } }, () => {
    const missing = options.ready();
    if (missing !== undefined) throw problem('not-ready', missing, { headers: { 'retry-after': '1' } });
    return { status: 'ready' };
  });
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    reply.type(metrics.contentType);
    return metrics.metrics();
  });
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  return { app, metrics };
}

const withBefore = (handler: NodeHandler, before: HttpOptions['before']): NodeHandler =>
  before ? (request, response) => void (before(request, response) || handler(request, response)) : handler;

/** A server with our limits. */
export function createNodeServer(handler: NodeHandler, options: ServerOptions = {}): Server | TlsServer {
  const { lane, certificate, connections } = options;
  const limits = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    // A healthy slow upload takes longer than any fixed limit; uploads have an idle rule of their own.
    requestTimeout: 0,
    keepAliveTimeout: 65_000,
    noDelay: true,
  } as const;
  const server = certificate
    ? createTlsServer({ ...limits, ...certificate, ALPNProtocols: ['http/1.1'] }, handler)
    : createServer(limits, handler);
  if (lane) {
    intercept(server, certificate ? 'secureConnection' : 'connection', (socket, toNode) =>
      lane.accept(socket, toNode),
    );
  }
  if (connections) {
    const isWithin = createConnectionGate(connections);
    intercept(server, 'connection', (socket, goOn) => {
      if (isWithin(socket)) goOn();
    });
  }
  return server;
}

/** Comes before who has heard of `event` first until now. */
function intercept(
  server: Server | TlsServer,
  event: 'connection' | 'secureConnection',
  handle: (socket: Socket, goOn: () => void) => void,
): void {
  const [first] = server.listeners(event);
  server.removeAllListeners(event);
  server.on(event, (socket: Socket) => handle(socket, () => first?.call(server, socket)));
}

function sendError(error: unknown, reply: FastifyReply, log: Log): FastifyReply {
  const { status, headers, body } = formatProblem(toProblem(error));
  if (status >= 500 && !(error instanceof Problem)) log.error({ err: error }, 'request failed');
  return reply
    .code(status)
    .headers(headers)
    .serializer((text: unknown) => text as string)
    .send(body);
}

/** What node:http could not read as a request at all; the connection ends with the answer. */
function respondToClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return void socket.destroy();
  const { status, headers, body } = formatProblem(toClientProblem(error.code));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    'connection: close',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.destroy(error);
}

function toClientProblem(code: string | undefined): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') {
    const detail = `Address and headers may have ${MAX_HEADER_BYTES} bytes at most.`;
    return problem('headers-too-large', detail);
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    const detail = `The headers did not arrive within ${HEADERS_TIMEOUT_MS / 1_000} seconds.`;
    return problem('request-timeout', detail);
  }
  return problem('request-malformed', 'This is no HTTP request.');
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const faults = error.validation.map(
      ({ instancePath, message }) =>
        `${instancePath.replaceAll('/', ' ').trim() || error.validationContext}: ${message}`,
    );
    return problem('request-invalid', faults.join(' '));
  }
  if (isDiskFull(error)) {
    return problem('disk-full', 'The disk is full here. Make room, then try again; nothing was changed.', {
      cause: error,
    });
  }
  const databaseFault = findDatabaseProblem(error);
  if (databaseFault) return databaseFault;
  const { statusCode, code } = (error ?? {}) as { statusCode?: number; code?: string };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return problem('body-too-large', `The body may have ${MAX_JSON_BODY_BYTES} bytes at most.`);
  }
  if (code === 'FST_ERR_BAD_URL') {
    return problem('address-malformed', 'The address is not percent-encoded UTF-8.', {
      cause: error,
    });
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return problem('media-type-unsupported', undefined, { cause: error });
  }
  if (statusCode && statusCode >= 400 && statusCode < 500) {
    return problem('request-invalid', messageOf(error), { cause: error });
  }
  return problem('internal', 'Something went wrong here. The log of this part says more.', {
    cause: error,
  });
}

/**
 * Responds to a plain node request with problem details, for handlers outside the framework. A response that has begun is
 * destroyed instead, so that the client sees that it is incomplete.
 */
export function sendProblem(
  response: ServerResponse,
  failure: Problem,
  extraHeaders: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status, headers, body } = formatProblem(failure);
  response.writeHead(status, { ...headers, ...extraHeaders });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

/** `signer`: whose signature it is beyond doubt, although the request is refused. */
export class RejectedSignature extends Problem {
  readonly signer: string | undefined;

  constructor(code: ProblemCode, detail: string, signer: string | undefined) {
    super(code, detail);
    this.signer = signer;
  }
}

/** Who signed this request. @throws Problem 401 with the reason. */
export async function requireSigner(
  request: FastifyRequest,
  findKey: (keyId: string) => Promise<PublicKey | undefined>,
  nonces: NonceMemory,
): Promise<string> {
  const [path = '', query] = request.raw.url?.split('?', 2) ?? [];
  const verification = await verifyRequest(
    {
      method: request.method,
      authority: (request.headers.host ?? '').toLowerCase(),
      path,
      query: `?${query ?? ''}`,
      body: request.rawBody ?? '',
    },
    request.headers,
    findKey,
    nonces,
    Date.now(),
  );
  if (!verification.ok)
    throw new RejectedSignature(verification.code, verification.detail, verification.signer);
  return verification.keyId;
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

export const hasToken = (authorization: string | undefined, token: string): boolean =>
  timingSafeEqual(digestOf(authorization ?? ''), digestOf(`Bearer ${token}`));

/** @throws Problem 401 unless the request carries the operator's token. */
export function requireToken(request: FastifyRequest, token: string): void {
  if (!hasToken(request.headers.authorization, token)) {
    throw problem(
      'token-needed',
      'This call needs the operator token: send it as "Authorization: Bearer …".',
      { headers: { 'www-authenticate': 'Bearer' } },
    );
  }
}

/** Spells this answer otherwise. The framework takes bytes from a serializer, though its types know only of texts. */
export function setRawSerializer<Payload>(reply: FastifyReply, format: (payload: Payload) => Buffer): void {
  reply.serializer(format as unknown as (payload: Payload) => string);
}

/** Players and pages of other origins may read this answer. */
export function allowAnyOrigin(reply: FastifyReply): void {
  reply.header('access-control-allow-origin', '*');
  reply.header('timing-allow-origin', '*');
  reply.header('cross-origin-resource-policy', 'cross-origin');
}
