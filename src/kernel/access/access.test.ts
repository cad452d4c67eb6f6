/** The rules that apply to every call of a part. */
import { expect, it } from 'vitest';
import { createHttp } from '../http/server.ts';
import { silentLog } from '../log.ts';
import { type AccessTable, createAccessGuard, enforceAccess } from './access.ts';
import { HOUSE_NETWORK } from './authority.ts';

const TABLE: AccessTable = {
  'GET /page': 'open',
  'GET /list': 'anyone',
  'GET /mine': 'signed-in',
  'GET /feed': 'member',
  'GET /site': { permission: 'manage-site', on: 'everything' },
  'GET /video': { permission: 'watch-internal', on: 'object' },
};

it('lets no cache store a response that depends on the client', async () => {
  const { app } = await createHttp({ part: 'test', log: silentLog, ready: () => undefined });
  const guard = createAccessGuard({ authenticate: async () => HOUSE_NETWORK });
  enforceAccess(app, TABLE, guard);
  const paths = Object.keys(TABLE).map(call => call.slice('GET '.length));
  for (const path of paths) app.get(path, async () => ({}));
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const cacheable: string[] = [];
  for (const path of paths) {
    const { headers } = await fetch(url + path);
    if (headers.get('cache-control') !== 'no-store') cacheable.push(path);
  }
  await app.close();
  expect(cacheable).toEqual(['/page']);
});
