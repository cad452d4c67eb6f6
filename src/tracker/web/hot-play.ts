/**
 * `GET /play/{id}` in the form that pages and players send, answered below node:http and before the framework, which both take
 * longer than the decision. Whatever is not plainly that, and whatever fails, is the framework's.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { formatWireHead, type PlainAnswerer } from '../../kernel/plain-lane.ts';
import type { VideoId } from '../../protocol/ids.ts';
import type { TrackerConfig } from '../config.ts';
import type { Viewers } from '../viewers.ts';
import { callerOf } from './client.ts';
import type { Counted } from './counted.ts';
import type { PlayAnswers } from './play-answers.ts';

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
/** Parameters once, in this order, with nothing in them that would have to be decoded. */
const PLAIN = new RegExp(`^/play/(${UUID})(?:\\?client=([0-9a-fA-F.:]{2,45}))?$`);
/** What a proxy says of the viewer. */
const FORWARDED = /\r\nx-forwarded-(for|proto):[ \t]*([^\r]*)/gi;

export interface HotPlayMeans {
  readonly config: Pick<TrackerConfig, 'baseUrl' | 'believeClientParameter' | 'trustedProxies'>;
  readonly viewers: Viewers;
  readonly counted: Counted;
  readonly playAnswers: PlayAnswers;
}

export interface HotPlay {
  /** Of a connection that node:http has. Says whether it answered. */
  answer(request: IncomingMessage, response: ServerResponse): boolean;
  /** Of a connection that it does not have. */
  open(socket: Socket): PlainAnswerer;
}

export function createHotPlay({ config, viewers, counted, playAnswers }: HotPlayMeans): HotPlay {
  /** The answer, in ASCII; undefined where it is another's to give. */
  function bodyOf(
    target: string,
    headersOf: () => IncomingMessage['headers'],
    socket: Pick<Socket, 'remoteAddress'>,
  ): string | undefined {
    const match = PLAIN.exec(target);
    if (!match) return undefined;
    const [, id, claimed] = match;
    try {
      const headers = config.trustedProxies.length === 0 ? {} : headersOf();
      const caller = callerOf({ headers, socket }, claimed, config);
      const body = playAnswers.json(id as VideoId, viewers.at(caller.address), caller, undefined);
      counted('json', () => undefined);
      return body;
    } catch {
      // The framework finds the same, and says it as it says everything.
      return undefined;
    }
  }

  let head = '';
  let headAtS = 0;
  /** All of an answer's head but its length; its date changes once a second. */
  function headNow(): string {
    const nowMs = Date.now();
    const nowS = Math.floor(nowMs / 1_000);
    if (nowS !== headAtS) {
      headAtS = nowS;
      head = formatWireHead(HEADERS, nowMs).slice(0, -2);
    }
    return head;
  }

  return {
    answer(request, response) {
      if (request.method !== 'GET') return false;
      const body = bodyOf(request.url ?? '', () => request.headers, request.socket);
      if (body === undefined) return false;
      response.writeHead(200, [...HEADERS, 'content-length', String(body.length)]);
      response.end(body, 'latin1');
      return true;
    },
    open: socket => ({
      take({ target, head: asked }) {
        // Who does not read what it asked for is node's to hold up.
        if (socket.writableLength > 0) return false;
        const body = bodyOf(target, () => readForwarded(asked), socket);
        if (body === undefined) return false;
        socket.write(`${headNow()}content-length: ${body.length}\r\n\r\n${body}`, 'latin1');
        return true;
      },
    }),
  };
}

/** As node:http has them: several of a name are one list. */
function readForwarded(head: string): IncomingMessage['headers'] {
  const headers: Record<string, string> = {};
  for (const [, name = '', value = ''] of head.matchAll(FORWARDED)) {
    const key = `x-forwarded-${name.toLowerCase()}`;
    const before = headers[key];
    headers[key] = before === undefined ? value.trimEnd() : `${before}, ${value.trimEnd()}`;
  }
  return headers;
}

/** As `allowAnyOrigin` and the framework write them. */
const HEADERS: readonly string[] = [
  ...['access-control-allow-origin', '*'],
  ...['timing-allow-origin', '*'],
  ...['cross-origin-resource-policy', 'cross-origin'],
  ...['cache-control', 'no-store'],
  ...['content-type', 'application/json; charset=utf-8'],
];
