/**
 * Stores the nonces of accepted requests in the data directory, so that a restart of the process does not permit a replay. Two
 * files take turns: when the newer one is as old as the longest validity of a signature, the older one holds only expired nonces
 * and is overwritten. A write is not flushed to the disk, because a machine takes longer to restart after a power loss than most
 * signatures are valid.
 */
import { closeSync, existsSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Lifetime } from '../lifecycle/lifetime.ts';
import type { Log } from '../log.ts';
import { messageOf } from '../problem.ts';
import { MAX_ACCEPTANCE_MS, NonceMemory } from './signatures.ts';

const FILES = ['nonces', 'nonces.previous'] as const;

/** Opens the nonces in this directory, which must exist. */
export function openNonces(directory: string, log: Log, lifetime: Lifetime): NonceMemory {
  const [newer, older] = FILES.map(name => join(directory, name)) as [string, string];
  const seen = [older, newer].flatMap(path => readNonces(path, Date.now()));
  // The nonces of an earlier start stay in the file that this one continues.
  let file = openSync(newer, 'a', 0o600);
  let begunMs = performance.now();
  let isStoring = true;
  lifetime.add('nonces', () => closeSync(file));

  const store = (nonce: string, expiresMs: number): void => {
    try {
      if (performance.now() - begunMs > MAX_ACCEPTANCE_MS) {
        renameSync(newer, older);
        closeSync(file);
        file = openSync(newer, 'a', 0o600);
        begunMs = performance.now();
      }
      writeSync(file, `${expiresMs} ${nonce}\n`);
      isStoring = true;
    } catch (error) {
      if (isStoring) {
        log.warn({ reason: messageOf(error) }, 'nonces cannot be stored, and would be lost at a restart');
      }
      isStoring = false;
    }
  };
  return new NonceMemory(seen, store);
}

function readNonces(path: string, nowMs: number): (readonly [string, number])[] {
  if (!existsSync(path)) return [];
  const entries: (readonly [string, number])[] = [];
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const [, expires = '', nonce = ''] = /^(\d{1,15}) (\S{1,140})$/.exec(line) ?? [];
    if (nonce !== '' && Number(expires) >= nowMs) entries.push([nonce, Number(expires)]);
  }
  return entries;
}
