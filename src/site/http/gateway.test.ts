/** The gateway, under attack by somebody who has recorded a request of central. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createHttp } from '../../kernel/http/server.ts';
import { readOrMakeKey } from '../../kernel/identity/keys.ts';
import { NonceMemory, signRequest } from '../../kernel/identity/signatures.ts';
import { silentLog } from '../../kernel/log.ts';
import { newSiteId, newVideoId } from '../../protocol/base/ids.ts';
import { type Gateway, serveGateway } from './gateway.ts';

it('a replayed acknowledgement is refused, not carried out, and reported', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tributary-gateway-'));
  const central = await readOrMakeKey(join(directory, 'central.key'));
  const key = await readOrMakeKey(join(directory, 'site.key'));
  let acknowledged = 0;
  const gateway = {
    acknowledge: async (_epoch: unknown, published: readonly unknown[]) => {
      acknowledged++;
      return { matched: published.length };
    },
  } as unknown as Gateway;
  const reported: string[] = [];
  const { app } = await createHttp({ part: 'site', log: silentLog, ready: () => undefined });
  const membership = {
    centralUrl: 'http://127.0.0.1:9',
    role: 'site' as const,
    id: newSiteId(),
    name: 'a',
    baseUrl: 'http://127.0.0.1:9',
    centralPublicKey: central.publicKey,
    trackers: [],
  };
  serveGateway(app, {
    gateway,
    identity: () => ({ key, membership }),
    names: { baseUrl: 'http://site', hosts: [] },
    nonces: new NonceMemory(),
    onRefused: (code, detail) => reported.push(`${code}: ${detail}`),
  });
  const payload = JSON.stringify({
    epoch: { number: 1, start: 'start-of-the-gateway-test' },
    published: [{ video: newVideoId(), version: 1, hash: 'a'.repeat(64) }],
  });
  const parts = { method: 'POST', authority: 'site', path: '/gateway/published', query: '?', body: payload };
  const headers = {
    ...signRequest(central, 'central', parts, Date.now()),
    host: 'site',
    'content-type': 'application/json',
  };
  const send = (with_ = headers) =>
    app.inject({ method: 'POST', url: '/gateway/published', headers: with_, payload });

  expect((await send()).statusCode).toBe(200);
  const again = await send();
  expect(again.statusCode).toBe(401);
  expect(again.json()).toMatchObject({ code: 'signature-replayed' });
  // A forged signature under central's name is not reported.
  const forged = { ...headers, ...signRequest(key, 'central', parts, Date.now()) };
  expect((await send(forged)).json()).toMatchObject({ code: 'signature-invalid' });
  expect(acknowledged).toBe(1);
  expect(reported).toEqual(['signature-replayed: This signed request was received before.']);
  await app.close();
  await rm(directory, { recursive: true });
});
