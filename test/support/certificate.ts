/** Certificates for tests and benchmarks: ECDSA P-256, self-signed, valid for two days. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { CertificateFiles } from '../../src/kernel/http/certificate.ts';

/** `name` is the name of the files and the subject of the certificate. */
export function makeCertificate(directory: string, name = 'localhost'): CertificateFiles {
  const files = { certificate: join(directory, `${name}.pem`), key: join(directory, `${name}.key`) };
  const kind = '-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2'.split(' ');
  const names = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
  const paths = ['-out', files.certificate, '-keyout', files.key];
  const { status, stderr } = spawnSync('openssl', ['req', ...kind, ...names, ...paths], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl made no certificate: ${stderr}`);
  return files;
}
