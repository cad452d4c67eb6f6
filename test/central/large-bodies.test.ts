/** Large bodies from clients without credentials: each part refuses them before it reads them. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LINK_RESPONSE_TYPE } from '../../src/protocol/link.ts';
import { type CentralHarness, startCentralHarness } from '../support/central-harness.ts';

let harness: CentralHarness;
beforeAll(async () => {
  harness = await startCentralHarness();
});
afterAll(() => harness.stop());

const SIZE = 8 * 2 ** 20;
/** Sends a head that announces a large body, and nothing else. */
async function announce(method: string, path: string, type: string): Promise<string> {
  const { hostname, port } = new URL(harness.url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.write(
    `${method} ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: ${type}\r\nContent-Length: ${SIZE}\r\nConnection: close\r\n\r\n`,
  );
  const response = text(socket).catch(() => '');
  const waiting = setTimeout(() => socket.destroy(), 3_000);
  const received = await response;
  clearTimeout(waiting);
  return received;
}

describe('central refuses a large body that nobody signed', () => {
  const routes = [
    ['POST', '/api/link/responses/x'],
    ['POST', '/api/peer-measurements'],
    ['POST', '/api/storage-reports'],
    ['POST', '/api/site-states'],
    ['POST', '/api/plays'],
    ['POST', '/api/sites'],
    ['POST', '/api/dry-run'],
  ] as const;
  it.each(routes)('%s %s', async (method, path) => {
    for (const type of ['application/json', LINK_RESPONSE_TYPE])
      expect(await announce(method, path, type)).toMatch(/^HTTP\/1\.1 4(?:01|13) /);
  });

  /** The limit of a content type must not replace the limit of a route. */
  it.each(['/api/join', '/api/signals', '/api/handshakes'])(
    'POST %s, with the type of another call',
    async path => {
      expect(await announce('POST', path, LINK_RESPONSE_TYPE)).toMatch(/^HTTP\/1\.1 413 /);
    },
  );
});
