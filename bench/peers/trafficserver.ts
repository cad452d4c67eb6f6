/** Apache Traffic Server from Debian, with one network thread and everything in its memory cache. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { CertificateFiles } from '../../src/kernel/http/certificate.ts';
import { findPort, type Peer, pidOf, startOnServerCore, stopProcess, whenUp } from './process.ts';

export async function startTrafficServer(
  directory: string,
  origin: string,
  probe: string,
  certificate?: CertificateFiles,
): Promise<Peer> {
  const home = join(directory, 'trafficserver');
  for (const name of ['etc', 'run', 'log', 'cache']) mkdirSync(join(home, name), { recursive: true });
  const port = await findPort();
  const tlsPort = await findPort();
  const write = (name: string, lines: readonly string[]): void =>
    writeFileSync(join(home, name), `${lines.join('\n')}\n`);
  write('runroot.yaml', [
    'prefix: /usr',
    'exec_prefix: /usr',
    'bindir: /usr/bin',
    'sbindir: /usr/sbin',
    'includedir: /usr/include',
    'libdir: /usr/lib/trafficserver',
    'libexecdir: /usr/lib/trafficserver/modules',
    `sysconfdir: ${home}/etc`,
    `datadir: ${home}/cache`,
    `cachedir: ${home}/cache`,
    `localstatedir: ${home}/run`,
    `runtimedir: ${home}/run`,
    `logdir: ${home}/log`,
  ]);
  write('etc/records.config', [
    'CONFIG proxy.config.exec_thread.autoconfig INT 0',
    'CONFIG proxy.config.exec_thread.limit INT 1',
    'CONFIG proxy.config.accept_threads INT 0',
    'CONFIG proxy.config.task_threads INT 1',
    `CONFIG proxy.config.http.server_ports STRING ${port}${certificate ? ` ${tlsPort}:proto=http:ssl` : ''}`,
    'LOCAL proxy.local.incoming_ip_to_bind STRING 127.0.0.1',
    'CONFIG proxy.config.http.cache.required_headers INT 0',
    'CONFIG proxy.config.http.cache.heuristic_min_lifetime INT 86400',
    'CONFIG proxy.config.cache.ram_cache.size INT 268435456',
    'CONFIG proxy.config.cache.ram_cache_cutoff INT 16777216',
    'CONFIG proxy.config.http.keep_alive_no_activity_timeout_in INT 600',
    'CONFIG proxy.config.log.logging_enabled INT 0',
    'CONFIG proxy.config.crash_log_helper STRING /bin/true',
    'CONFIG proxy.config.admin.user_id STRING #-1',
    `CONFIG proxy.config.ssl.server.cert.path STRING ${certificate ? dirname(certificate.certificate) : home}`,
    `CONFIG proxy.config.ssl.server.private_key.path STRING ${certificate ? dirname(certificate.key) : home}`,
    'CONFIG proxy.config.ssl.server.TLSv1_3.cipher_suites STRING TLS_AES_128_GCM_SHA256',
  ]);
  write('etc/remap.config', [`map / ${origin}/`]);
  write('etc/storage.config', [`${home}/cache 256M`]);
  write('etc/ip_allow.yaml', [
    'ip_allow:',
    ...['in', 'out'].flatMap(direction => [
      `  - apply: ${direction}`,
      `    ip_addrs: ${direction === 'in' ? '127.0.0.1' : '0/0'}`,
      '    action: allow',
      '    methods: ALL',
    ]),
  ]);
  write(
    'etc/ssl_multicert.config',
    certificate
      ? [
          `dest_ip=* ssl_cert_name=${basename(certificate.certificate)} ssl_key_name=${basename(certificate.key)}`,
        ]
      : [],
  );
  const child = startOnServerCore('traffic_server', [`--run-root=${home}`]);
  const plain = `http://127.0.0.1:${port}`;
  await whenUp(child, plain + probe);
  return {
    name: 'trafficserver',
    plain,
    ...(certificate ? { tls: `https://127.0.0.1:${tlsPort}` } : {}),
    pid: pidOf(child),
    stop: () => stopProcess(child),
  };
}
