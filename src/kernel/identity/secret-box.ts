/** Keeps a secret (a password in a URL) in a database so that a copy of the database alone does not tell it. */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface SecretBox {
  /** Base64url of nonce, AES-256-GCM tag and cipher text. */
  encrypt(secret: string): string;
  /** @throws Error if it was not sealed with this key, or was altered. */
  decrypt(sealed: string): string;
}

/** @param keyMaterial what only the owner knows, e.g. its private key; 32 random bytes at least */
export function createSecretBox(keyMaterial: string): SecretBox {
  const key = createHash('sha256').update(`tributary secret box\n${keyMaterial}`).digest();
  return {
    encrypt(secret) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64url');
    },
    decrypt(sealed) {
      const bytes = Buffer.from(sealed, 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES));
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      const text = bytes.subarray(NONCE_BYTES + TAG_BYTES);
      return Buffer.concat([decipher.update(text), decipher.final()]).toString('utf8');
    },
  };
}
