/**
 * The calls that players make, answered below node:http and before the framework, which both take longer than the decision:
 * `GET /play/{id}`, `GET /play/{id}.m3u8` and `GET /steer/{id}`. Whatever is not plainly that, and whatever fails, is the framework's.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type ParsedUrlQuery, parse } from 'node:querystring';
import { formatResponseHead, type PlainGetHandler } from '../../kernel/http/fast-path.ts';
import type { VideoId } from '../../protocol/ids.ts';
import { type Asking, callerOf, playQuery } from '../client/client.ts';
import type { Viewers } from '../client/viewers.ts';
import type { TrackerConfig } from '../config.ts';
import type { AnswerKind, Counted } from './instrument.ts';
import type { PlayAnswers } from './render/json.ts';
import type { Steer } from './steer.ts';

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const TARGET = new RegExp(`^/(play|steer)/(${UUID})(\\.m3u8)?(?:\\?(.*))?$`);
/** What a proxy says of the viewer. */
const FORWARDED = /\r\nx-forwarded-(for|proto):[ \t]*([^\r]*)/gi;

export interface HotAnswerMeans {
  readonly config: Pick<TrackerConfig, 'baseUrl' | 'trustClientParameter' | 'trustedProxies'>;
  readonly viewers: Viewers;
  readonly counted: Counted;
  readonly playAnswers: Pick<PlayAnswers, 'json' | 'playlist'>;
  readonly steer: Steer;
}

export interface HotAnswers {
  /** Of a connection that node:http has. Says whether it answered. */
  answer(request: IncomingMessage, response: ServerResponse): boolean;
  /** Of a connection that it does not have. */
  open(socket: Socket): PlainGetHandler;
}

/** One of the calls: how it is answered, and under which head. */
interface Call {
  readonly kind: AnswerKind;
  readonly headers: readonly string[];
  /** Undefined: the framework's. */
  answer(id: VideoId, query: ParsedUrlQuery, asking: Asking): string | undefined;
  /** All of the head but its length, of this second. */
  head: string;
  headAtS: number;
}

export function createHotAnswers({
  config,
  viewers,
  counted,
  playAnswers,
  steer,
}: HotAnswerMeans): HotAnswers {
  const call = (kind: AnswerKind, type: string, answer: Call['answer']): Call => {
    return { kind, headers: [...HEADERS, 'content-type', type], answer, head: '', headAtS: 0 };
  };
  const playing =
    (answer: PlayAnswers['json'] | PlayAnswers['playlist']): Call['answer'] =>
    (id, query, asking) => {
      const { data } = playQuery.safeParse(query);
      if (!data || data.fill !== undefined) return undefined;
      const { client, session, grant } = data;
      const caller = callerOf(asking, client, config, grant);
      const asker = viewers.at(caller.address);
      return answer(id, grant === undefined ? asker : { ...asker, shown: { grant } }, caller, session);
    };
  const json = call('json', 'application/json; charset=utf-8', playing(playAnswers.json));
  const playlist = call('hls', 'application/vnd.apple.mpegurl', playing(playAnswers.playlist));
  const steering = call('steering', 'application/json; charset=utf-8', (id, query, asking) =>
    JSON.stringify(steer(id, query, asking)),
  );
  const callOf = (name: string | undefined, extension: string | undefined): Call | undefined => {
    if (name === 'play') return extension === undefined ? json : playlist;
    return extension === undefined ? steering : undefined;
  };

  /** What is answered, and how; undefined where that is another's to say. */
  function answer(target: string, asking: () => Asking): { call: Call; body: string } | undefined {
    const [, name, id, extension, query] = TARGET.exec(target) ?? [];
    const call = id === undefined ? undefined : callOf(name, extension);
    if (!call) return undefined;
    try {
      const body = call.answer(id as VideoId, parse(query ?? ''), asking());
      if (body === undefined) return undefined;
      counted(call.kind, () => undefined);
      return { call, body };
    } catch {
      // The framework finds the same, and says it as it says everything.
      return undefined;
    }
  }

  return {
    answer(request, response) {
      if (request.method !== 'GET') return false;
      const found = answer(request.url ?? '', () => request);
      if (!found) return false;
      const { call, body } = found;
      response.writeHead(200, [...call.headers, 'content-length', String(Buffer.byteLength(body))]);
      response.end(body);
      return true;
    },
    open: socket => ({
      handle({ target, head: asked }) {
        // Who does not read what it asked for is node's to hold up.
        if (socket.writableLength > 0) return false;
        const found = answer(target, () => ({
          headers: config.trustedProxies.length === 0 ? {} : readForwarded(asked),
          socket,
        }));
        if (!found) return false;
        const { call, body } = found;
        const length = Buffer.byteLength(body);
        const text = `${headNow(call)}content-length: ${length}\r\n\r\n${body}`;
        socket.write(text, length === body.length ? 'latin1' : 'utf8');
        return true;
      },
    }),
  };
}

/** Its date changes once a second. */
function headNow(call: Call): string {
  const nowMs = Date.now();
  const nowS = Math.floor(nowMs / 1_000);
  if (nowS !== call.headAtS) {
    call.headAtS = nowS;
    call.head = formatResponseHead(call.headers, nowMs).slice(0, -2);
  }
  return call.head;
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
];
