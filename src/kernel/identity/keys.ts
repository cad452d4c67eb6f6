/** Ed25519 keys of members and of central. Each key is stored in a file that only its owner may read. */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { writeDurably } from '../files.ts';

/** A raw 32-byte Ed25519 public key in base64url. */
export type PublicKey = string;

export interface KeyPair {
  readonly publicKey: PublicKey;
  readonly privateKey: KeyObject;
  readonly sign: (message: string) => Buffer;
}

const fromPrivate = (key: KeyObject): KeyPair => ({
  publicKey: createPublicKey(key).export({ format: 'jwk' }).x ?? '',
  privateKey: key,
  sign: message => sign(null, Buffer.from(message), key),
});

/** Reads the key at `path`, and creates it at the first start. */
export async function readOrMakeKey(path: string): Promise<KeyPair> {
  if (!existsSync(path)) {
    const { privateKey } = generateKeyPairSync('ed25519');
    await writeDurably(path, privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), 0o600);
  }
  return fromPrivate(createPrivateKey(readFileSync(path)));
}

/** Reads the secret at `path` (32 random bytes), and creates it at the first start. */
export async function readOrMakeSecret(path: string): Promise<Buffer> {
  if (!existsSync(path)) await writeDurably(path, randomBytes(32).toString('base64url'), 0o600);
  return Buffer.from(readFileSync(path, 'utf8'), 'base64url');
}

/** @throws if `publicKey` is not a public key */
export const importPublicKey = (publicKey: PublicKey): KeyObject =>
  createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: publicKey } });

export function verifySignature(publicKey: PublicKey, message: string, signature: Buffer): boolean {
  try {
    return verify(null, Buffer.from(message), importPublicKey(publicKey), signature);
  } catch {
    return false;
  }
}

export const sha256Hex = (data: string | Buffer): string => hash('sha256', data, 'hex');

/** Returns 128 random bits in base64url. */
export const newNonce = (): string => randomBytes(16).toString('base64url');
