/** nginx with one worker: as a server of files with sendfile, and as a cache in front of another server. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CertificateFiles } from '../../src/kernel/http/certificate.ts';
import { findChild, findPort, type Peer, pidOf, startOnServerCore, stopProcess, whenUp } from './process.ts';

interface NginxOptions {
  readonly name: string;
  readonly directory: string;
  readonly certificate?: CertificateFiles;
  /** Directives inside `server {}`. */
  readonly server: string;
  /** Directives inside `http {}`, before `server {}`. */
  readonly http?: string;
  readonly probe: string;
}

/** Uses the same cipher as our server: the one that servers with AES instructions prefer. */
const formatTls = ({ certificate, key }: CertificateFiles, port: number): string => `
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${certificate}; ssl_certificate_key ${key};
    ssl_protocols TLSv1.2 TLSv1.3; ssl_prefer_server_ciphers on; ssl_session_cache shared:s:1m;
    ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384;`;

async function startNginx(options: NginxOptions): Promise<Peer> {
  const { name, certificate } = options;
  const directory = join(options.directory, name);
  mkdirSync(directory, { recursive: true });
  // The worker may run as another user.
  chmodSync(directory, 0o777);
  const port = await findPort();
  const tlsPort = await findPort();
  const config = join(directory, 'nginx.conf');
  writeFileSync(
    config,
    `
daemon off; worker_processes 1; pid ${directory}/nginx.pid; error_log ${directory}/error.log;
events { worker_connections 16000; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; keepalive_timeout 600s;
  client_body_temp_path ${directory}/temp; proxy_temp_path ${directory}/temp; fastcgi_temp_path ${directory}/temp;
  uwsgi_temp_path ${directory}/temp; scgi_temp_path ${directory}/temp;
  ${options.http ?? ''}
  server {
    listen 127.0.0.1:${port} backlog=4096;${certificate ? formatTls(certificate, tlsPort) : ''}
    ${options.server}
  }
}
`,
  );
  const master = startOnServerCore('nginx', ['-p', directory, '-c', config]);
  const plain = `http://127.0.0.1:${port}`;
  await whenUp(master, plain + options.probe);
  return {
    name,
    plain,
    ...(certificate ? { tls: `https://127.0.0.1:${tlsPort}` } : {}),
    pid: findChild(pidOf(master)),
    stop: () => stopProcess(master),
  };
}

export const startNginxSendfile = (
  directory: string,
  files: string,
  probe: string,
  certificate?: CertificateFiles,
): Promise<Peer> =>
  startNginx({
    name: 'nginx-sendfile',
    directory,
    // It is also the origin of all peers, and it does not check tokens.
    server: `root ${files}; location /t/ { rewrite ^/t/[^/]+(/.*)$ $1 break; }`,
    probe,
    ...(certificate ? { certificate } : {}),
  });

/** With `lock`, concurrent misses share one request. */
export const startNginxCache = (
  directory: string,
  origin: string,
  probe: string,
  options: { readonly certificate?: CertificateFiles; readonly lock?: boolean } = {},
): Promise<Peer> => {
  const name = 'nginx-proxy_cache';
  return startNginx({
    name,
    directory,
    http: `proxy_cache_path ${join(directory, name)}/cache levels=1:2 keys_zone=c:10m max_size=1g inactive=1d use_temp_path=off;`,
    server: `location / {
      proxy_pass ${origin}; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_cache c; proxy_cache_key $uri; proxy_cache_valid 200 1d; proxy_cache_lock ${options.lock ? 'on' : 'off'};
    }`,
    probe,
    ...(options.certificate ? { certificate: options.certificate } : {}),
  });
};
