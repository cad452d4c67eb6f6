/** Encrypts a secret (a password in a URL) for storage in a database, so that a copy of the database does not reveal it. */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface SecretBox {
  /** @returns nonce, AES-256-GCM tag and cipher text in base64url */
  encrypt(secret: string): string;
  /** @throws Error if the text was encrypted with another key, or was altered. */
  decrypt(encrypted: string): string;
}

/** @param keyMaterial a secret of the owner, for example its private key; at least 32 random bytes */
export function createSecretBox(keyMaterial: string): SecretBox {
  const key = createHash('sha256').update(`tributary secret box\n${keyMaterial}`).digest();
  return {
    encrypt(secret) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64url');
    },
    decrypt(encrypted) {
      const bytes = Buffer.from(encrypted, 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES));
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      const text = bytes.subarray(NONCE_BYTES + TAG_BYTES);
      return Buffer.concat([decipher.update(text), decipher.final()]).toString('utf8');
    },
  };
}
