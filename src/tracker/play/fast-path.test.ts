import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFastPath } from '../../kernel/http/fast-path.ts';
import { createHttp, type Http } from '../../kernel/http/server.ts';
import { type Log, silentLog } from '../../kernel/log.ts';
import { problem } from '../../kernel/problem.ts';
import { newVideoId } from '../../protocol/base/ids.ts';
import { createPlayFastPath } from './fast-path.ts';
import { createInstrument } from './instrument.ts';
import type { PlayRequest } from './request.ts';

const video = newVideoId();
let http: Http;
let url: string;
let requests: PlayRequest[];
let logged: string[];
let json: (request: PlayRequest) => string;

beforeEach(async () => {
  requests = [];
  logged = [];
  const fastPath = createPlayFastPath();
  http = await createHttp({
    part: 'tracker',
    log: silentLog,
    ready: () => undefined,
    before: fastPath.handle,
    server: { fastPath: createFastPath(fastPath.open) },
  });
  const log = {
    ...silentLog,
    error: (_fields: object, message: string) => void logged.push(message),
  } as unknown as Log;
  fastPath.enable({
    config: { baseUrl: 'http://t', hosts: [], trustClientParameter: false, trustedProxies: [] },
    viewers: { at: () => ({}), filling: () => ({}) },
    houseNetworks: () => [],
    instrument: createInstrument(http.metrics),
    responses: {
      json(request) {
        requests.push(request);
        return json(request);
      },
      hls: () => '#EXTM3U',
    },
    steer: () => {
      throw problem('video-withdrawn');
    },
    log,
  });
  // The framework's own route must not see a request that the fast path has taken.
  http.app.get('/play/:id', () => ({ from: 'framework' }));
  url = await http.app.listen({ host: '127.0.0.1', port: 0 });
});
afterEach(() => http.app.close());

/** A response on a connection that the fast path has, or (`viaNode`) that node:http has. */
async function exchange(path: string, viaNode: boolean): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const fields = viaNode ? 'Connection: close\r\n' : '';
  socket.write(`GET ${path} HTTP/1.1\r\nHost: t\r\n${fields}\r\n`);
  if (!viaNode) socket.end();
  let text = '';
  for await (const piece of socket) text += String(piece);
  return text;
}
const countOf = async (kind: string, outcome: string): Promise<number> => {
  const pattern = new RegExp(
    `tributary_play_responses_total\\{kind="${kind}",outcome="${outcome}"\\} (\\d+)`,
  );
  return Number(pattern.exec(await http.metrics.metrics())?.[1] ?? 0);
};

describe.each([
  ['without node:http', false],
  ['with node:http', true],
])('the fast path %s', (_, viaNode) => {
  test('responds with the problem of a failed request, which is processed and counted once', async () => {
    json = () => {
      throw problem('no-source', 'No site.', { headers: { 'retry-after': '2' } });
    };
    const response = await exchange(`/play/${video}`, viaNode);
    expect(response).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
    expect(response).toMatch(/\r\nretry-after: 2\r\n/i);
    expect(response).toMatch(/\r\naccess-control-allow-origin: \*\r\n/i);
    expect(JSON.parse(response.slice(response.indexOf('\r\n\r\n')))).toMatchObject({ code: 'no-source' });
    expect(requests).toHaveLength(1);
    expect(logged).toEqual([]);
    expect(await countOf('json', 'no-source')).toBe(1);
  });

  test('logs and counts an unexpected error, and responds with 500', async () => {
    json = () => {
      throw new TypeError('a defect');
    };
    const response = await exchange(`/play/${video}`, viaNode);
    expect(response).toMatch(/^HTTP\/1\.1 500 /);
    expect(response).not.toContain('a defect');
    expect(JSON.parse(response.slice(response.indexOf('\r\n\r\n')))).toMatchObject({ code: 'internal' });
    expect(requests).toHaveLength(1);
    expect(logged).toEqual(['a request on the fast path failed']);
    expect(await countOf('json', 'internal')).toBe(1);
  });

  test('responds with the problem of a steering request', async () => {
    expect(await exchange(`/steer/${video}`, viaNode)).toMatch(/^HTTP\/1\.1 410 Gone\r\n/);
    expect(await countOf('steering', 'video-withdrawn')).toBe(1);
  });

  test('hands on what it does not take, without an effect', async () => {
    expect(await exchange(`/play/${video}?client=a&client=b`, viaNode)).toContain('"framework"');
    expect(requests).toEqual([]);
  });
});
