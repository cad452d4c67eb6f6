/**
 * The HTTP server of every part: zod schemas for requests and responses, errors as problem details, signed calls, and the four
 * addresses that all parts share: /healthz, /readyz, /metrics and /openapi.json.
 */

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer, STATUS_CODES } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import swagger from '@fastify/swagger';
import fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifySchemaCompiler,
  type FastifyServerOptions,
} from 'fastify';
import { jsonSchemaTransform, serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { z } from 'zod';
import { errorCodeOf } from '../error-code.ts';
import { findStorageProblem } from '../files.ts';
import { formatErrors, parseInput } from '../input.ts';
import type { Log } from '../log.ts';
import { formatProblem, messageOf, Problem, problem } from '../problem.ts';
import { findDatabaseProblem } from '../sql/database-error.ts';
import { VERSION } from '../version.ts';
import { serveGzip } from './coding/gzip.ts';
import { afterReading } from './connections/after-reading.ts';
import {
  type ConnectionGate,
  type ConnectionLimit,
  createConnectionGate,
} from './connections/connection-limit.ts';
import {
  endStalledConnections,
  type SlowConnectionOptions,
  watchBody,
} from './connections/slow-connections.ts';
import { checkRequest } from './strict-request.ts';

const MAX_JSON_BODY_BYTES = 64 * 1024;
const MAX_HEADER_BYTES = 16 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
const SLOW_BODY_CODE = 'BODY_TOO_SLOW';
const EXCESS_RETRY_S = 2;
const HEADERS_TIMEOUT_CODE = 'ERR_HTTP_REQUEST_TIMEOUT';

declare module 'fastify' {
  interface FastifyRequest {
    /** The unparsed bytes of the body, for Content-Digest. */
    rawBody: Buffer;
    /** False in `onRequest`, where a route checks its caller before it accepts a large body. */
    isBodyRead: boolean;
  }
}

/** Has a server's new connections before node:http does. */
export interface FastPath {
  /** `handOver` gives the connection to node:http, for good. */
  accept(socket: Socket, handOver: () => void): void;
  /** Ends the connections that were not handed over. */
  close(): void;
}

export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface HttpOptions {
  readonly part: string;
  readonly log: Log;
  /** Returns what is missing, as a sentence, or undefined when the part is ready. */
  readonly ready: () => string | undefined;
  /** Handles requests before the framework does (media files, uploads). Returns false for other requests. */
  readonly before?: (request: IncomingMessage, response: ServerResponse) => boolean;
  readonly server?: ServerOptions;
}

export interface ServerOptions {
  readonly fastPath?: FastPath | undefined;
  /** Enables TLS with this certificate; `setSecureContext` of the server replaces it. */
  readonly certificate?: SecureContextOptions | undefined;
  /** Default: no limit. */
  readonly connections?: ConnectionLimit | undefined;
  readonly slow?: SlowConnectionOptions | undefined;
}

type Compilers = NonNullable<FastifyServerOptions['schemaController']>['compilersFactory'];
const WORDS_FOR_PARTS: Readonly<Record<string, string>> = {
  body: 'The request body',
  querystring: 'The query of the address',
  params: 'The address',
  headers: 'The request header',
};

/** Rejects a request that does not match the schema of its route. */
const validatorCompiler: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart = 'body' }) => {
  const words = { whole: WORDS_FOR_PARTS[httpPart] ?? 'The request', field: 'field', object: 'an object' };
  return input => {
    // The framework passes null if there is no body.
    const parsed = parseInput(schema, input ?? undefined, words);
    if (parsed.ok) return { value: parsed.data };
    return { error: problem('request-invalid', formatErrors(parsed.errors), { errors: parsed.errors }) };
  };
};

/** Replaces the framework's default compilers, which are slow to create. Its types only describe the defaults. */
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
  const startedAt = new Date().toISOString();
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  const app = withTypes(
    fastify({
      bodyLimit: MAX_JSON_BODY_BYTES,
      // `close` ends idle connections only; the open request of a player or a tracker must not delay the stop.
      forceCloseConnections: true,
      routerOptions: { maxParamLength: 200 },
      // Errors that occur before a route is found.
      frameworkErrors: (error, _request, reply) => void sendError(error, reply, options.log),
      clientErrorHandler: respondToClientError,
      schemaController: { compilersFactory: ZOD_COMPILERS },
      serverFactory: handler => createNodeServer(withBefore(handler, options.before), options.server),
    }),
  );
  app.addHook('preClose', async () => options.server?.fastPath?.close());
  serveGzip(app);
  app.decorateRequest('rawBody');
  app.decorateRequest('isBodyRead', false);
  app.addHook('preValidation', async request => {
    request.isBodyRead = true;
  });
  app.addHook('onRoute', ({ bodyLimit = 0, onRequest, path }) => {
    if (bodyLimit > MAX_JSON_BODY_BYTES && !onRequest && !app.hasDecorator('checksAccess'))
      throw new Error(`${path} takes a large body from anyone. Check the caller in onRequest.`);
  });
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
    sendError(problem('not-found', `Nothing was found at ${request.url.split('?')[0]}.`), reply, options.log),
  );
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: `Tributary ${options.part}`, version: VERSION, license: { name: 'Apache-2.0' } },
    },
    transform: jsonSchemaTransform,
  });
  app.get('/healthz', { schema: { hide: true } }, () => ({
    status: 'alive',
    part: options.part,
    version: VERSION,
    startedAt,
  }));
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

const strict =
  (handler: NodeHandler, gate: ConnectionGate | undefined, slow: SlowConnectionOptions = {}): NodeHandler =>
  (request, response) => {
    const { socket } = request;
    lastResponses.set(socket, response);
    const refusal = gate?.isExcess(socket) ? tooManyConnections() : checkRequest(request);
    if (refusal) {
      sendProblem(response, refusal);
      response.once('close', () => socket.destroySoon());
      return;
    }
    watchBody(request, () => respondToClientError(new SlowBody(), socket), slow);
    handler(request, response);
  };

/** Pages of any origin can read it, so that a player knows that it may try again. */
const tooManyConnections = (): Problem =>
  problem('connections-full', undefined, {
    headers: {
      'retry-after': String(EXCESS_RETRY_S),
      connection: 'close',
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'Retry-After',
    },
  });

class SlowBody extends Error {
  readonly code = SLOW_BODY_CODE;
}

/** Creates a node:http or node:https server with the limits that all parts use. */
export function createNodeServer(handler: NodeHandler, options: ServerOptions = {}): Server | TlsServer {
  const { fastPath, certificate, connections, slow } = options;
  const gate = connections && createConnectionGate(connections);
  const checked = strict(handler, gate, slow);
  const limits = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    connectionsCheckingInterval: HEADERS_TIMEOUT_MS / 2,
    // A slow upload may take longer than any fixed limit; uploads are limited by their idle time instead.
    requestTimeout: 0,
    keepAliveTimeout: 65_000,
    // `checkRequest` refuses a request without a Host, with problem details.
    requireHostHeader: false,
    noDelay: true,
  } as const;
  const server = certificate
    ? createTlsServer({ ...limits, ...certificate, ALPNProtocols: ['http/1.1'] }, checked)
    : createServer(limits, checked);
  if (fastPath) {
    intercept(server, certificate ? 'secureConnection' : 'connection', (socket, toNode) => {
      if (gate?.isExcess(socket)) toNode();
      else fastPath.accept(socket, toNode);
    });
  }
  if (gate) {
    intercept(server, 'connection', (socket, proceed) => {
      if (gate.admit(socket)) proceed();
    });
  }
  endStalledConnections(server, socket => lastResponses.get(socket), slow);
  return server;
}

/** Inserts `handle` before the first listener of `event`; `proceed` calls that listener. */
function intercept(
  server: Server | TlsServer,
  event: 'connection' | 'secureConnection',
  handle: (socket: Socket, proceed: () => void) => void,
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

/** The last response of each connection. */
const lastResponses = new WeakMap<Socket, ServerResponse>();

/** Responds to bytes that node:http could not parse as a request, after the responses before it, and closes the connection. */
function respondToClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return void socket.destroy();
  if (error.code === HEADERS_TIMEOUT_CODE && !late.has(socket)) {
    late.add(socket);
    afterReading(socket, isIdle => giveMoreTime(socket, isIdle ? 0 : HEADERS_TIMEOUT_MS, error));
    return;
  }
  const last = lastResponses.get(socket);
  const retry = (): void => respondToClientError(error, socket);
  if (last && !last.writableFinished) {
    if (last.req.complete || (last.socket && last.writableEnded)) return void last.once('close', retry);
    // From here on, the malformed bytes are the body of the last request.
    if (!last.socket) return void last.once('socket', () => setImmediate(retry));
    if (last.headersSent) return void socket.destroy();
  }
  // Nothing follows a response that ends the connection.
  if (last?.writableFinished && !last.shouldKeepAlive) return void socket.destroySoon();
  const { status, headers, body } = formatProblem(toClientProblem(error.code));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    'connection: close',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.destroy(error);
}

/** Connections whose headers were not complete in time. */
const late = new WeakSet<Socket>();

/** node:http checks the time of these headers no more. */
function giveMoreTime(socket: Socket, ms: number, error: Error): void {
  const last = lastResponses.get(socket);
  setTimeout(() => {
    if (lastResponses.get(socket) === last) respondToClientError(error, socket);
    else late.delete(socket);
  }, ms).unref();
}

function toClientProblem(code: string | undefined): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') {
    const detail = `The address and headers together may have at most ${MAX_HEADER_BYTES} bytes.`;
    return problem('headers-too-large', detail);
  }
  if (code === HEADERS_TIMEOUT_CODE) {
    const detail = `The headers did not arrive within ${HEADERS_TIMEOUT_MS / 1_000} seconds.`;
    return problem('request-timeout', detail);
  }
  if (code === SLOW_BODY_CODE)
    return problem('request-timeout', 'The body arrived at less than 1 KB per second.');
  return problem('request-malformed', 'The bytes received are not an HTTP request.');
}

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const storageFault = findStorageProblem(error);
  if (storageFault) return storageFault;
  const databaseFault = findDatabaseProblem(error);
  if (databaseFault) return databaseFault;
  const code = errorCodeOf(error);
  const statusCode = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : undefined;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return problem('body-too-large', `The body may have at most ${MAX_JSON_BODY_BYTES} bytes.`);
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
  return problem('internal', 'An unexpected error occurred. See the log of this part.', {
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

/** Serializes this response with `format`. The framework accepts bytes from a serializer, although its types only allow text. */
export function setRawSerializer<Payload>(reply: FastifyReply, format: (payload: Payload) => Buffer): void {
  reply.serializer(format as unknown as (payload: Payload) => string);
}
