/** A TLS certificate and its key as files. They are reloaded when they change, so a renewal needs no restart. */
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { ConfigError } from '../config/config-error.ts';
import { type Repeating, repeat } from '../lifecycle/repeat.ts';
import type { Log } from '../log.ts';
import { messageOf } from '../problem.ts';

const CHECK_MS = 10_000;

export interface CertificateFiles {
  /** PEM file with the certificate, followed by the intermediate certificates. */
  readonly certificate: string;
  readonly key: string;
}

/**
 * AES-128 comes before AES-256 and ChaCha20: on machines with AES instructions it encrypts a fifth more bytes per second, and
 * it is as safe for viewers.
 */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

export interface Certificate extends SecureContextOptions {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** @throws Error if a file is missing, or if the key does not belong to the certificate. */
async function readCertificate(files: CertificateFiles): Promise<Certificate> {
  const [cert, key] = await Promise.all([readFile(files.certificate), readFile(files.key)]);
  const options: Certificate = {
    cert,
    key,
    ciphers: CIPHERS,
    honorCipherOrder: true,
    minVersion: 'TLSv1.2',
  };
  createSecureContext(options);
  return options;
}

/** Reads the certificate when a part starts. @throws ConfigError that names the files. */
export async function requireCertificate(files: CertificateFiles): Promise<Certificate> {
  try {
    return await readCertificate(files);
  } catch (cause) {
    throw new ConfigError(
      `The certificate ${files.certificate} and the key ${files.key} cannot be used: ${messageOf(cause)}.`,
      { cause },
    );
  }
}

export interface CertificateWatchDeps {
  readonly files: CertificateFiles;
  readonly initial: Certificate;
  readonly onChanged: (changed: Certificate) => void;
  readonly log: Log;
  readonly checkMs?: number;
}

/** Reports each changed certificate to `onChanged`. Invalid files are logged, and the previous certificate stays in use. */
export function watchCertificate({
  files,
  initial,
  onChanged,
  log,
  checkMs = CHECK_MS,
}: CertificateWatchDeps): Repeating {
  let current = initial;
  let lastError: string | undefined;
  let isFirst = true;
  return repeat(async () => {
    if (isFirst) {
      isFirst = false;
      return checkMs;
    }
    try {
      const found = await readCertificate(files);
      lastError = undefined;
      if (found.cert.equals(current.cert) && found.key.equals(current.key)) return checkMs;
      current = found;
      onChanged(found);
      log.info({ certificate: files.certificate }, 'certificate reloaded');
    } catch (error) {
      const reason = messageOf(error);
      if (reason !== lastError) {
        log.error(
          { certificate: files.certificate, reason },
          'the new certificate is invalid; keeping the previous one',
        );
      }
      lastError = reason;
    }
    return checkMs;
  });
}
