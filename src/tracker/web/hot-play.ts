/**
 * `GET /play/{id}` in the form that pages and players send, answered before the framework, whose routing and checking of what
 * we made ourselves takes longer than the decision. Whatever is not plainly that, and whatever fails, is the framework's.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Problem } from '../../kernel/problem.ts';
import type { VideoId } from '../../protocol/ids.ts';
import type { TrackerConfig } from '../config.ts';
import type { Viewers } from '../viewers.ts';
import { callerOf } from './client.ts';
import type { Counted } from './counted.ts';
import type { PlayAnswers } from './play-answers.ts';

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
/** Parameters once, in this order, with nothing in them that would have to be decoded. */
const PLAIN = new RegExp(`^/play/(${UUID})(?:\\?client=([0-9a-fA-F.:]{2,45}))?$`);

export interface HotPlayMeans {
  readonly config: Pick<TrackerConfig, 'baseUrl' | 'believeClientParameter' | 'trustedProxies'>;
  readonly viewers: Viewers;
  readonly counted: Counted;
  readonly playAnswers: PlayAnswers;
}
/** Says whether it answered. */
export type HotPlay = (request: IncomingMessage, response: ServerResponse) => boolean;

export function createHotPlay({ config, viewers, counted, playAnswers }: HotPlayMeans): HotPlay {
  return (request, response) => {
    const match = request.method === 'GET' ? PLAIN.exec(request.url ?? '') : null;
    if (!match) return false;
    const [, id, claimed] = match;
    let body: Buffer;
    try {
      const caller = callerOf(request, claimed, config);
      const asker = viewers.at(caller.address);
      body = Buffer.from(JSON.stringify(playAnswers.json(id as VideoId, asker, caller, undefined)));
    } catch (error) {
      if (error instanceof Problem) return false;
      throw error;
    }
    counted('json', () => undefined);
    response.writeHead(200, [...HEADERS, 'content-length', String(body.length)]);
    response.end(body);
    return true;
  };
}

/** As `allowAnyOrigin` and the framework write them. */
const HEADERS: readonly string[] = [
  ...['access-control-allow-origin', '*'],
  ...['timing-allow-origin', '*'],
  ...['cross-origin-resource-policy', 'cross-origin'],
  ...['cache-control', 'no-store'],
  ...['content-type', 'application/json; charset=utf-8'],
];
