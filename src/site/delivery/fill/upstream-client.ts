/** One request to one holder (HTTP over TCP, TLS or a unix socket), with a limit on every wait. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

/** Names the filling site; who receives it answers from what it has and asks no third site, so there are no loops. */
export const FILL_HEADER = 'tributary-fill';

/** Where one server listens. */
export type Address = { readonly socketPath: string } | { readonly url: string };

export interface FillTiming {
  readonly connectMs: number;
  /** From the request to the headers of its answer. */
  readonly firstByteMs: number;
  /** Between two pieces of a body. */
  readonly idleMs: number;
  /** A whole body: who sends a byte every few seconds must not hold a slot for ever. */
  readonly bodyMs: number;
}
export const FILL_TIMING: FillTiming = {
  connectMs: 2_000,
  firstByteMs: 10_000,
  // Before a player has used up what it has: the next holder is to take over in time.
  idleMs: 4_000,
  bodyMs: 300_000,
};

/** Requests under way are bounded by the slots of who asks; these wait for the next one. Not `maxTotalSockets`: it counts idle ones. */
const MAX_IDLE_SOCKETS_A_HOST = 16;
const MAX_PROBLEM_BYTES = 4_096;

export interface UpstreamRequest {
  readonly address: Address;
  /** `/v/{video}/{revision}/{file}` */
  readonly path: string;
  readonly method?: 'GET' | 'HEAD';
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export interface UpstreamClient {
  /** Resolves with the headers; the body is read with `receive`. @throws Error when refused, silent or aborted. */
  get(request: UpstreamRequest): Promise<IncomingMessage>;
  /** Hands on every piece of the body as it comes. @throws Error if it breaks off, stops coming, or `take` throws. */
  receive(response: IncomingMessage, take: (piece: Buffer) => void): Promise<void>;
  /** The stable code of a problem that an upstream answered with; empty if there is none to be read. */
  readProblemCode(response: IncomingMessage): Promise<string>;
  stop(): void;
}

export function createUpstreamClient(timing: FillTiming): UpstreamClient {
  const agentOptions = { keepAlive: true, maxFreeSockets: MAX_IDLE_SOCKETS_A_HOST } as const;
  const http = new HttpAgent(agentOptions);
  const https = new HttpsAgent(agentOptions);

  function open({ address, path, method = 'GET', headers, signal }: UpstreamRequest) {
    const options = { method, headers: { ...headers, 'accept-encoding': 'identity' }, signal };
    if ('socketPath' in address) return httpRequest({ ...options, ...address, path, agent: http });
    const url = new URL(path, address.url);
    return url.protocol === 'https:'
      ? httpsRequest(url, { ...options, agent: https })
      : httpRequest(url, { ...options, agent: http });
  }

  const get = (what: UpstreamRequest, isSecondTry = false): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const request = open(what);
      let connecting: NodeJS.Timeout | undefined;
      const answering = setTimeout(
        () => request.destroy(new Error(`no answer within ${timing.firstByteMs} ms`)),
        timing.firstByteMs,
      );
      const clear = (): void => {
        clearTimeout(connecting);
        clearTimeout(answering);
      };
      request.once('socket', socket => {
        if (!socket.connecting) return;
        connecting = setTimeout(
          () => request.destroy(new Error(`no connection within ${timing.connectMs} ms`)),
          timing.connectMs,
        );
        socket.once('encrypted' in socket ? 'secureConnect' : 'connect', () => clearTimeout(connecting));
      });
      let isAnswered = false;
      request.once('response', response => {
        isAnswered = true;
        clear();
        resolve(response);
      });
      // `on`, not `once`: an error after the response (an abort) must not be an uncaught one.
      request.on('error', (error: NodeJS.ErrnoException) => {
        clear();
        // The peer closed an idle connection just as it was taken up again: no sign that it is ill (RFC 9112, section 9.3.1).
        const wasStale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
        if (wasStale && !isAnswered && !isSecondTry && !what.signal.aborted) resolve(get(what, true));
        else reject(error);
      });
      request.end();
    });

  const receive = (response: IncomingMessage, take: (piece: Buffer) => void): Promise<void> =>
    new Promise((resolve, reject) => {
      const stopped = (): void => void response.destroy(new Error('the bytes stopped coming'));
      const idle = setTimeout(stopped, timing.idleMs);
      const whole = setTimeout(() => response.destroy(new Error('the bytes came too slowly')), timing.bodyMs);
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
        clearTimeout(whole);
        // RFC 9112, section 8: an incomplete message is to be told from a complete one.
        if (failure === undefined && response.complete) resolve();
        else reject(failure ?? new Error('the connection broke off'));
      });
    });

  return {
    get: request => get(request),
    receive,
    async readProblemCode(response) {
      const pieces: Buffer[] = [];
      let size = 0;
      try {
        await receive(response, piece => {
          size += piece.length;
          if (size > MAX_PROBLEM_BYTES) throw new Error('too long for a problem');
          pieces.push(piece);
        });
        const problem: unknown = JSON.parse(Buffer.concat(pieces).toString('utf8'));
        const isCoded = typeof problem === 'object' && problem !== null && 'code' in problem;
        return isCoded && typeof problem.code === 'string' ? problem.code : '';
      } catch {
        return '';
      }
    },
    stop() {
      http.destroy();
      https.destroy();
    },
  };
}
