/** Our servers, bundled like the site itself: the buffer, and the limit of Node. */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CertificateFiles } from '../../src/kernel/http/certificate.ts';
import { RightsState } from '../../src/kernel/rights/rights-state.ts';
import { deriveSiteKey, signRight } from '../../src/kernel/rights/rights-token.ts';
import { newSiteId, type VideoId } from '../../src/protocol/base/ids.ts';
import { RIGHTS_FILE } from '../../src/site/rights/site-rights.ts';
import { bundle } from './bundle.ts';
import { type Peer, pidOf, readFirstLine, startOnServerCore, stopProcess } from './process.ts';

/** The data directory of the site. */
const homeOf = (directory: string): string => join(directory, 'site');
const TOKEN_LIFETIME_S = 12 * 3_600;

/** Makes a video private for servers that start later. @returns a token that gives access to it */
export async function makePrivate(directory: string, video: VideoId): Promise<string> {
  mkdirSync(homeOf(directory), { recursive: true });
  const generation = 1;
  const key = deriveSiteKey(randomBytes(32), newSiteId());
  const state = RightsState.open(join(homeOf(directory), RIGHTS_FILE));
  const videos = [{ video, isPrivate: true }];
  const keys = [{ generation, key: key.toString('base64url') }];
  state.apply({ position: 1, more: false, keys, videos, revoked: [] });
  await state.save();
  const expiresS = Math.floor(Date.now() / 1_000) + TOKEN_LIFETIME_S;
  return signRight({ generation, key }, { kind: 'viewer', expiresS, subject: '0123456789abcdef' }, video);
}

/** @param options `warm` lists the paths that it caches before it is ready */
export async function startTributary(
  directory: string,
  origin: string,
  options: { readonly certificate?: CertificateFiles; readonly warm?: readonly string[] } = {},
): Promise<Peer> {
  const { certificate, warm = [] } = options;
  const entry = await bundle(directory, 'bench/peers/tributary-server.ts');
  const child = startOnServerCore(process.execPath, [
    ...[entry, homeOf(directory), origin, certificate?.certificate ?? '', certificate?.key ?? '', ...warm],
  ]);
  const [plain, tls] = (await readFirstLine(child)).split(' ');
  return {
    name: 'tributary',
    plain: `http://127.0.0.1:${plain}`,
    ...(certificate ? { tls: `https://127.0.0.1:${tls}` } : {}),
    pid: pidOf(child),
    stop: () => stopProcess(child),
  };
}

/** @returns one peer, with its address, for each size of body in bytes */
export async function startLimit(directory: string, sizes: readonly number[]): Promise<readonly Peer[]> {
  const child = startOnServerCore(process.execPath, [
    await bundle(directory, 'bench/peers/limit-server.ts'),
    ...sizes.map(String),
  ]);
  const ports = (await readFirstLine(child)).split(' ');
  return ports.map(port => ({
    name: 'node-net-limit',
    plain: `http://127.0.0.1:${port}`,
    pid: pidOf(child),
    stop: () => stopProcess(child),
  }));
}
