/** A TLS server: reloaded certificates, a fast path, and the limit of connections per address. */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { type AddressInfo, connect as connectPlain, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeCertificate } from '../../../test/support/certificate.ts';
import { type Log, silentLog } from '../log.ts';
import { parsePrefix } from '../network.ts';
import { type CertificateFiles, requireCertificate, watchCertificate } from './certificate.ts';
import { createNodeServer, type FastPath, type ServerOptions } from './server.ts';

const closers: (() => Promise<unknown> | unknown)[] = [];
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-tls-'));
  closers.push(() => rm(directory, { recursive: true, force: true }));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const filesOf = (name: string) => ({
  certificate: join(directory, `${name}.pem`),
  key: join(directory, `${name}.key`),
});
const make = (name: string): CertificateFiles => makeCertificate(directory, name);

async function listen(options: ServerOptions) {
  const server = createNodeServer((_request, response) => response.end('from node'), options);
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  closers.push(
    () =>
      new Promise(done => {
        server.close(done);
        server.closeAllConnections();
      }),
  );
  return { server, port: (server.address() as AddressInfo).port };
}

const ask = (port: number): Promise<{ readonly subject: string; readonly body: string }> =>
  new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', rejectUnauthorized: false, agent: false }, response => {
      const subject = String((response.socket as TLSSocket).getPeerCertificate().subject.CN);
      let body = '';
      response.setEncoding('utf8').on('data', text => {
        body += text;
      });
      response.on('end', () => resolve({ subject, body }));
    })
      .on('error', reject)
      .end();
  });

describe('a certificate', () => {
  it('is reloaded when its files change; invalid files are logged and change nothing', async () => {
    const errors: unknown[] = [];
    const log: Log = { ...silentLog, error: (...what: unknown[]) => void errors.push(what) };
    const files = make('first');
    make('second');
    const initial = await requireCertificate(files);
    const { server, port } = await listen({ certificate: initial });
    const renewal = watchCertificate({
      files,
      initial,
      onChanged: changed => (server as import('node:tls').Server).setSecureContext(changed),
      log,
      checkMs: 20,
    });
    closers.push(() => renewal.stop());
    expect(await ask(port)).toEqual({ subject: 'first', body: 'from node' });

    await writeFile(files.certificate, 'no certificate');
    await expect.poll(() => errors.length).toBe(1);
    expect((await ask(port)).subject).toBe('first');

    await cp(filesOf('second').key, files.key);
    await cp(filesOf('second').certificate, files.certificate);
    await expect.poll(async () => (await ask(port)).subject).toBe('second');
  });

  it('that is not there, or does not fit its key, ends the start with a sentence', async () => {
    await expect(requireCertificate(filesOf('none'))).rejects.toThrow(/none\.pem .* cannot be used/);
    const [one, other] = [make('one'), make('other')];
    await expect(requireCertificate({ certificate: one.certificate, key: other.key })).rejects.toThrow(
      /cannot be used: .*key/,
    );
  });
});

describe('a fast path over TLS', () => {
  it('gets connections first, and hands over other requests with every byte', async () => {
    const fastPath: FastPath = {
      accept(socket, handOver) {
        socket.once('data', piece => {
          if (piece.toString().startsWith('GET /fast')) {
            socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfast');
            return;
          }
          socket.pause();
          socket.unshift(piece);
          handOver();
          socket.resume();
        });
      },
      close() {},
    };
    const { port } = await listen({ fastPath, certificate: await requireCertificate(make('fast')) });
    const get = (path: string) =>
      new Promise<string>((resolve, reject) => {
        const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
        let text = '';
        socket.on('data', piece => {
          text += piece;
        });
        socket.on('error', reject);
        socket.on('close', () => resolve(text));
        socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      });
    expect(await get('/fast')).toContain('fast');
    expect(await get('/node')).toContain('from node');
  });
});

describe('connections of one address', () => {
  const open = async (port: number, count: number): Promise<readonly Socket[]> => {
    const sockets = Array.from({ length: count }, () =>
      connectPlain(port, '127.0.0.1').on('error', () => {}),
    );
    closers.push(() => {
      for (const socket of sockets) socket.destroy();
    });
    await sleep(200);
    return sockets;
  };
  const alive = (sockets: readonly Socket[]): number => sockets.filter(socket => !socket.destroyed).length;

  it('are not limited of proxies', async () => {
    const { port } = await listen({
      connections: {
        perAddress: 2,
        total: 100,
        except: ['127.0.0.0/8'].flatMap(text => parsePrefix(text) ?? []),
      },
    });
    expect(alive(await open(port, 6))).toBe(6);
  });
});
