/** Sends one request to one upstream (HTTP over TCP, TLS or a unix socket), with a time limit for every step. */
import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

/** The address of one server. */
export type Address = { readonly socketPath: string } | { readonly url: string };

export interface FillTiming {
  readonly connectMs: number;
  /** From the request to the headers of the response. */
  readonly firstByteMs: number;
  /** Between two pieces of a body. */
  readonly idleMs: number;
  /** For a complete body, so that an upstream that sends one byte every few seconds does not keep its permit forever. */
  readonly bodyMs: number;
}
export const FILL_TIMING: FillTiming = {
  connectMs: 2_000,
  firstByteMs: 10_000,
  // The next upstream must take over before a player has used up its buffer.
  idleMs: 4_000,
  bodyMs: 300_000,
};

/** For idle connections; semaphores limit the requests in progress. `maxTotalSockets` would count idle ones too. */
const MAX_IDLE_SOCKETS_PER_HOST = 16;
const MAX_PROBLEM_BYTES = 4_096;

interface UpstreamRequest {
  readonly address: Address;
  /** `/v/{video}/{revision}/{file}` */
  readonly path: string;
  readonly method?: 'GET' | 'HEAD';
  readonly headers: Readonly<Record<string, string>>;
  readonly abort: AbortSignal;
}

export interface UpstreamClient {
  /** Resolves with the headers; `receive` reads the body. @throws Error if the request is refused, times out or is aborted */
  get(request: UpstreamRequest): Promise<IncomingMessage>;
  /** Passes every piece of the body to `take`. @throws Error if the body is cut off, stops arriving, or `take` throws */
  receive(response: IncomingMessage, take: (piece: Buffer) => void): Promise<void>;
  /** Reads the code of a problem response; empty if it has none. */
  readProblemCode(response: IncomingMessage): Promise<string>;
  stop(): void;
}

interface ClientState {
  readonly timing: FillTiming;
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
}

export function createUpstreamClient(timing: FillTiming): UpstreamClient {
  const agentOptions = { keepAlive: true, maxFreeSockets: MAX_IDLE_SOCKETS_PER_HOST } as const;
  const state: ClientState = {
    timing,
    http: new HttpAgent(agentOptions),
    https: new HttpsAgent(agentOptions),
  };
  return {
    get: request => get(state, request),
    receive: (response, take) => receive(timing, response, take),
    readProblemCode: response => readProblemCode(timing, response),
    stop() {
      state.http.destroy();
      state.https.destroy();
    },
  };
}

function open({ http, https }: ClientState, upstream: UpstreamRequest): ClientRequest {
  const { address, path, method = 'GET', headers, abort } = upstream;
  const options = { method, headers: { ...headers, 'accept-encoding': 'identity' }, signal: abort };
  if ('socketPath' in address) return httpRequest({ ...options, ...address, path, agent: http });
  const url = new URL(path, address.url);
  return url.protocol === 'https:'
    ? httpsRequest(url, { ...options, agent: https })
    : httpRequest(url, { ...options, agent: http });
}

const get = (state: ClientState, upstream: UpstreamRequest, isRetry = false): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const { connectMs, firstByteMs } = state.timing;
    const request = open(state, upstream);
    let connecting: NodeJS.Timeout | undefined;
    const responding = setTimeout(
      () => request.destroy(new Error(`no response within ${firstByteMs} ms`)),
      firstByteMs,
    );
    const clear = (): void => {
      clearTimeout(connecting);
      clearTimeout(responding);
    };
    request.once('socket', socket => {
      if (!socket.connecting) return;
      connecting = setTimeout(
        () => request.destroy(new Error(`no connection within ${connectMs} ms`)),
        connectMs,
      );
      socket.once('encrypted' in socket ? 'secureConnect' : 'connect', () => clearTimeout(connecting));
    });
    let hasResponse = false;
    request.once('response', response => {
      hasResponse = true;
      clear();
      resolve(response);
    });
    // `on` and not `once`: an error after the response, such as an abort, must not be uncaught.
    request.on('error', (error: NodeJS.ErrnoException) => {
      clear();
      // The peer closed an idle connection just as it was reused, which is no sign of a failure (RFC 9112, section 9.3.1).
      const wasStale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      if (wasStale && !hasResponse && !isRetry && !upstream.abort.aborted)
        resolve(get(state, upstream, true));
      else reject(error);
    });
    request.end();
  });

const receive = (
  { idleMs, bodyMs }: FillTiming,
  response: IncomingMessage,
  take: (piece: Buffer) => void,
): Promise<void> =>
  new Promise((resolve, reject) => {
    const idle = setTimeout(() => response.destroy(new Error('the bytes stopped arriving')), idleMs);
    const total = setTimeout(() => response.destroy(new Error('the bytes arrived too slowly')), bodyMs);
    let failure: unknown;
    response.on('data', (piece: Buffer) => {
      idle.refresh();
      try {
        take(piece);
      } catch (error) {
        failure = error;
        response.destroy();
      }
    });
    response.on('error', error => {
      failure ??= error;
    });
    response.once('close', () => {
      clearTimeout(idle);
      clearTimeout(total);
      // An incomplete message must never pass as a complete one (RFC 9112, section 8).
      if (failure === undefined && response.complete) resolve();
      else reject(failure ?? new Error('the connection was closed early'));
    });
  });

async function readProblemCode(timing: FillTiming, response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    await receive(timing, response, piece => {
      size += piece.length;
      if (size > MAX_PROBLEM_BYTES) throw new Error('the response is too long for a problem');
      pieces.push(piece);
    });
    const problem: unknown = JSON.parse(Buffer.concat(pieces).toString('utf8'));
    const isCoded = typeof problem === 'object' && problem !== null && 'code' in problem;
    return isCoded && typeof problem.code === 'string' ? problem.code : '';
  } catch {
    return '';
  }
}
