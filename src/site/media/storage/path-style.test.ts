/** An object store that refuses addresses of the form host/bucket. */
import dns from 'node:dns';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import S3rver from 's3rver';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { makeTemporaryDirectory, removeDirectory } from '../../../../test/support/temporary-directory.ts';
import { testObjectStore } from './test-object-store.ts';

let directory: string;
let server: Server;
let store: S3rver;
let hosts: string[];
let endpoint: string;
beforeEach(async () => {
  directory = await makeTemporaryDirectory('path-style');
  hosts = [];
  store = new S3rver({
    silent: true,
    directory,
    serviceEndpoint: 'store.test',
    configureBuckets: [{ name: 'media', configs: [] }],
  });
  await store.configureBuckets();
  const handle = store.callback();
  server = createServer((request, response) => {
    const host = request.headers.host?.split(':')[0] ?? '';
    hosts.push(host);
    if (host === 's3.store.test') return void response.writeHead(403).end();
    void handle(request, response);
  });
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  endpoint = `http://s3.store.test:${(server.address() as AddressInfo).port}`;
  // Both names lead to this machine.
  const lookup = dns.lookup;
  vi.spyOn(dns, 'lookup').mockImplementation(((name: string, ...rest: never[]) =>
    (lookup as (...values: unknown[]) => void)(
      name.endsWith('store.test') ? '127.0.0.1' : name,
      ...rest,
    )) as never);
});
afterEach(async () => {
  vi.restoreAllMocks();
  server.closeAllConnections();
  await new Promise(done => server.close(done));
  await removeDirectory(directory);
});

const settings = (pathStyle?: boolean) => ({
  endpoint,
  region: 'us-east-1',
  bucket: 'media',
  prefix: 'hangzhou/',
  pathStyle,
  accessKeyId: 'S3RVER',
  secretAccessKey: 'S3RVER',
});

describe('an object store that refuses path-style addresses', () => {
  it('is used with pathStyle = false', async () => {
    await testObjectStore(settings(false));
    expect(new Set(hosts)).toEqual(new Set(['media.s3.store.test']));
  });

  it('is found unusable by default', async () => {
    await expect(testObjectStore(settings())).rejects.toThrow();
    expect(new Set(hosts)).toEqual(new Set(['s3.store.test']));
  });
});
