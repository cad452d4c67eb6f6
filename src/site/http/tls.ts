/** TLS and the limits on connections, as the settings of a site want them. */
import type { Server } from 'node:http';
import type { Server as TlsServer } from 'node:tls';
import { ConfigError } from '../../kernel/config/config-error.ts';
import {
  type CertificateFiles,
  requireCertificate,
  watchCertificate,
} from '../../kernel/http/certificate.ts';
import type { FastPath, ServerOptions } from '../../kernel/http/server.ts';
import type { Repeating } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { parsePrefix } from '../../kernel/network.ts';
import type { SiteConfig } from '../config.ts';

/** Whoever is on this machine needs no limit of connections. */
const LOOPBACK = ['127.0.0.0/8', '::1/128'].flatMap(text => parsePrefix(text) ?? []);

export interface SiteTls {
  readonly scheme: 'http' | 'https';
  server(fastPath: FastPath | undefined): ServerOptions;
  /** Takes a changed certificate up without a restart. */
  watch(server: Server): Repeating | undefined;
}

/** @throws ConfigError where only one of certificate and key is there, or they do not belong together */
export async function openTls(config: SiteConfig, log: Log): Promise<SiteTls> {
  const files = certificateOf(config);
  const secure = files && (await requireCertificate(files));
  return {
    scheme: secure ? 'https' : 'http',
    server: fastPath => ({
      fastPath,
      certificate: secure,
      connections: {
        perAddress: config.connectionsPerAddress,
        except: [...LOOPBACK, ...config.trustedProxies],
      },
    }),
    watch: server =>
      files &&
      secure &&
      watchCertificate(
        files,
        secure,
        changed => (server as unknown as TlsServer).setSecureContext(changed),
        log,
      ),
  };
}

function certificateOf(config: SiteConfig): CertificateFiles | undefined {
  const { tlsCertificate: certificate, tlsKey: key } = config;
  if (certificate && key) return { certificate, key };
  if (certificate || key) throw new ConfigError('tlsCertificate and tlsKey are set together or not at all.');
  return undefined;
}
