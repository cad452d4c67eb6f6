/**
 * Serves the three most frequent calls of players, `GET /play/{id}`, `GET /play/{id}.m3u8` and `GET /steer/{id}`, without the
 * framework and, on most connections, without node:http: both take longer than the decision. Requests in any other form are handed
 * on before they have had an effect. A request that was taken is always answered here, with an error if it fails, so nothing is
 * decided or recorded twice.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type ParsedUrlQuery, parse } from 'node:querystring';
import { acceptsGzip, gzipNow, isWorthGzip } from '../../kernel/http/coding/gzip.ts';
import { ANY_ORIGIN_HEADERS } from '../../kernel/http/cross-origin.ts';
import { formatResponseHead, type PlainGetHandler, readAcceptEncoding } from '../../kernel/http/fast-path.ts';
import type { Log } from '../../kernel/log.ts';
import { formatProblem, Problem, problem } from '../../kernel/problem.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import type { RawRequest } from '../client/client.ts';
import type { Instrument, ResponseKind } from './instrument.ts';
import { type PlayRequestDeps, playQuery, readPlayRequest } from './request.ts';
import type { PlayResponses } from './responses.ts';
import { STEERING_TYPE } from './routes.ts';
import type { Steer } from './steer.ts';

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const TARGET = new RegExp(`^/(play|steer)/(${UUID})(\\.m3u8)?(?:\\?(.*))?$`);
/** The headers in which a proxy describes the client, and those by which its player is recognised. */
const DESCRIBING =
  /\r\n(host|x-forwarded-(?:for|proto|host)|user-agent|origin|sec-fetch-(?:dest|mode|site)):[ \t]*([^\r]*)/gi;

export interface PlayFastPathDeps extends PlayRequestDeps {
  readonly instrument: Instrument;
  readonly responses: Pick<PlayResponses, 'json' | 'hls'>;
  readonly steer: Steer;
  readonly log: Log;
}

export interface PlayFastPath {
  /** Handles a request that node:http has parsed. @returns false if the framework must handle it */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
  /** Opens a connection that node:http does not have. */
  open(socket: Socket): PlainGetHandler;
  /** Until this is called, all requests are handed on. */
  enable(deps: PlayFastPathDeps): void;
}

/** One of the calls. */
interface Call {
  readonly kind: ResponseKind;
  readonly headers: readonly string[];
  /** Undefined if the framework must respond. */
  respond(video: VideoId, query: ParsedUrlQuery, raw: RawRequest): string | undefined;
  /** The head of a response without its length, and the second for which it is valid. */
  head: string;
  headAtS: number;
}

/** A response with an error, or the body for a call. */
type Outcome = { readonly call: Call; readonly body: string } | { readonly failure: Problem };

interface Calls {
  readonly deps: PlayFastPathDeps;
  readonly json: Call;
  readonly hls: Call;
  readonly steering: Call;
}

export function createPlayFastPath(): PlayFastPath {
  let calls: Calls | undefined;
  return {
    enable(deps) {
      calls = createCalls(deps);
    },
    handle(request, response) {
      if (!calls || request.method !== 'GET' || hasBody(request)) return false;
      const outcome = respond(calls, request.url ?? '', () => request);
      if (!outcome) return false;
      if ('failure' in outcome) {
        const { status, headers, body } = formatProblem(outcome.failure);
        response.writeHead(status, [...HEADERS, ...Object.entries(headers).flat()]);
        response.end(body);
      } else {
        const { call } = outcome;
        const { coding, body } = encode(outcome.body, request.headers['accept-encoding']?.toString());
        response.writeHead(200, [
          ...call.headers,
          ...coding,
          'content-length',
          String(Buffer.byteLength(body)),
        ]);
        response.end(body);
      }
      return true;
    },
    open: socket => ({
      handle({ target, head }) {
        // node:http handles back-pressure of a client that does not read its responses.
        if (!calls || socket.writableLength > 0) return false;
        const outcome = respond(calls, target, () => ({ headers: readHeaders(head), socket }));
        if (!outcome) return false;
        if ('failure' in outcome) {
          const { status, headers, body } = formatProblem(outcome.failure);
          const fields = [...HEADERS, ...Object.entries(headers).flat()];
          socket.write(formatResponseHead(fields, Date.now(), status) + body, 'utf8');
        } else {
          const { coding, body } = encode(outcome.body, readAcceptEncoding(head));
          const length = Buffer.byteLength(body);
          const fields = coding.length === 0 ? '' : formatFields(coding);
          const start = `${currentHead(outcome.call)}${fields}content-length: ${length}\r\n\r\n`;
          if (typeof body === 'string')
            socket.write(start + body, length === body.length ? 'latin1' : 'utf8');
          else socket.write(Buffer.concat([Buffer.from(start, 'latin1'), body]));
        }
        return true;
      },
    }),
  };
}

function createCalls(deps: PlayFastPathDeps): Calls {
  const { responses, steer } = deps;
  const call = (kind: ResponseKind, type: string, respond: Call['respond']): Call => {
    return { kind, headers: [...HEADERS, 'content-type', type], respond, head: '', headAtS: 0 };
  };
  const playing =
    (render: PlayResponses['json'] | PlayResponses['hls']): Call['respond'] =>
    (video, query, raw) => {
      const { data } = playQuery.safeParse(query);
      if (!data || data.fill !== undefined) return undefined;
      return render(readPlayRequest(raw, video, data, deps));
    };
  return {
    deps,
    json: call('json', 'application/json; charset=utf-8', playing(responses.json)),
    hls: call('hls', 'application/vnd.apple.mpegurl', playing(responses.hls)),
    steering: call('steering', STEERING_TYPE, (video, query, raw) =>
      JSON.stringify(steer(video, query, raw)),
    ),
  };
}

/** The framework waits for the end of a body, and refuses a malformed one. */
const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || headers['content-length'] !== undefined;

/** Undefined if the framework must respond. Never throws. */
function respond(calls: Calls, target: string, rawOf: () => RawRequest): Outcome | undefined {
  const [, name, video, extension, query] = TARGET.exec(target) ?? [];
  if (video === undefined) return undefined;
  const isSteering = name === 'steer';
  if (isSteering && extension !== undefined) return undefined;
  const call = isSteering ? calls.steering : extension === undefined ? calls.json : calls.hls;
  const { instrument, log } = calls.deps;
  try {
    const body = call.respond(video as VideoId, parse(query ?? ''), rawOf());
    if (body === undefined) return undefined;
    instrument.succeeded(call.kind);
    return { call, body };
  } catch (error) {
    instrument.failed(call.kind, error);
    if (error instanceof Problem) return { failure: error };
    log.error({ err: error, call: call.kind }, 'a request on the fast path failed');
    return { failure: problem('internal') };
  }
}

const VARY = ['vary', 'Accept-Encoding'];
const GZIP = [...VARY, 'content-encoding', 'gzip'];

/** The body in the form that the client accepts, and the headers that say so. */
function encode(
  body: string,
  acceptEncoding: string | undefined,
): { coding: readonly string[]; body: string | Buffer } {
  if (!isWorthGzip(Buffer.byteLength(body))) return { coding: [], body };
  return acceptsGzip(acceptEncoding) ? { coding: GZIP, body: gzipNow(body) } : { coding: VARY, body };
}

const formatFields = (fields: readonly string[]): string =>
  fields.map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join('');

/** The date in the head changes once per second. */
function currentHead(call: Call): string {
  const nowMs = Date.now();
  const nowS = Math.floor(nowMs / 1_000);
  if (nowS !== call.headAtS) {
    call.headAtS = nowS;
    call.head = formatResponseHead(call.headers, nowMs).slice(0, -2);
  }
  return call.head;
}

/** Like node:http, this joins repeated headers into one list. */
function readHeaders(head: string): IncomingMessage['headers'] {
  const headers: Record<string, string> = {};
  for (const [, name = '', value = ''] of head.matchAll(DESCRIBING)) {
    const key = name.toLowerCase();
    const before = headers[key];
    headers[key] = before === undefined ? value.trimEnd() : `${before}, ${value.trimEnd()}`;
  }
  return headers;
}

/** The same headers as with the framework (`serveCrossOrigin`). */
const HEADERS: readonly string[] = [...ANY_ORIGIN_HEADERS, 'cache-control', 'no-store'];
