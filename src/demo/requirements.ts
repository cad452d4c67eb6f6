/** What the demo checks before it starts a process, and the token that it keeps between two starts. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeDurably } from '../kernel/files.ts';
import { tryListen } from '../kernel/http/try-listen.ts';
import { StartupError } from '../kernel/lifecycle/startup-error.ts';
import type { DemoLayout } from './layout.ts';

/**
 * Checks the ports before any part starts, because a program that responds at a port in use would be mistaken for a part of
 * this demo.
 *
 * @throws StartupError
 */
export async function requireFreePorts({ centralPort, trackerPort, sites }: DemoLayout): Promise<void> {
  const central = { host: '127.0.0.1', port: centralPort };
  for (const { host, port } of [central, { ...central, port: trackerPort }, ...sites]) {
    if ((await tryListen(host, port)) === 'EADDRINUSE')
      throw new StartupError(
        `${host}:${port} is in use, perhaps by another demo. Stop it, or start this one with another TRIBUTARY_PORT and TRIBUTARY_DATA_DIR`,
      );
  }
}

/** The base URLs of members are registered with central, so the same data cannot be started on other ports. @throws StartupError */
export async function requireSameAddresses(layout: DemoLayout): Promise<void> {
  const file = join(layout.dataDirectory, 'demo-addresses.json');
  const addresses = JSON.stringify([
    layout.centralUrl,
    layout.trackerUrl,
    ...layout.sites.map(site => site.url),
  ]);
  if (!existsSync(file)) return writeDurably(file, addresses);
  if (readFileSync(file, 'utf8') !== addresses) {
    throw new StartupError(
      `the data in ${layout.dataDirectory} belong to other addresses. Use the same TRIBUTARY_PORT as before, or another TRIBUTARY_DATA_DIR`,
    );
  }
}

export async function readOrMakeToken(path: string): Promise<string> {
  if (!existsSync(path)) await writeDurably(path, randomBytes(24).toString('base64url'), 0o600);
  return readFileSync(path, 'utf8').trim();
}
