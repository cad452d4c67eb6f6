/** The public address of a site: TLS and the limits on connections that the settings ask for. */
import type { AddressInfo } from 'node:net';
import type { Server as TlsServer } from 'node:tls';
import { ConfigError } from '../../kernel/config/config-error.ts';
import {
  type CertificateFiles,
  requireCertificate,
  watchCertificate,
} from '../../kernel/http/certificate.ts';
import { connectionLimitOf } from '../../kernel/http/connections/connection-limit.ts';
import type { FastPath, HttpServer, ServerOptions } from '../../kernel/http/server.ts';
import type { Lifetime } from '../../kernel/lifecycle/lifetime.ts';
import type { Log } from '../../kernel/log.ts';
import type { SiteConfig } from '../config.ts';

export interface PublicAddress {
  server(fastPath: FastPath | undefined): ServerOptions;
  /** Accepts connections from now on, and uses a changed certificate without a restart. @returns the URL. @throws if the address is in use */
  listen(app: HttpServer, lifetime: Lifetime): Promise<string>;
}

/** @throws ConfigError if only one of certificate and key is set, or they do not belong together */
export async function openPublicAddress(config: SiteConfig, log: Log): Promise<PublicAddress> {
  const files = certificateOf(config);
  const certificate = files && (await requireCertificate(files));
  return {
    server: fastPath => ({
      fastPath,
      certificate,
      connections: connectionLimitOf(config),
    }),
    async listen(app, lifetime) {
      await app.listen(config.listen);
      if (files && certificate) {
        const server = app.server as unknown as TlsServer;
        const renewal = watchCertificate({
          files,
          initial: certificate,
          onChanged: changed => server.setSecureContext(changed),
          log,
        });
        lifetime.add('certificate', renewal.stop);
      }
      const { port } = app.server.address() as AddressInfo;
      return `${certificate ? 'https' : 'http'}://${config.listen.host}:${port}`;
    },
  };
}

function certificateOf(config: SiteConfig): CertificateFiles | undefined {
  const { tlsCertificate: certificate, tlsKey: key } = config;
  if (certificate && key) return { certificate, key };
  if (certificate || key) throw new ConfigError('Set both tlsCertificate and tlsKey, or neither.');
  return undefined;
}
