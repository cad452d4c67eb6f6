/**
 * What it costs a site to check a token, one that it has not seen and one that it has, by CPU time, in one process: against the bare HMAC-SHA256 of the same bytes (the limit), and
 * against an Ed25519 signature, which was not chosen (docs/decisions/0015).
 */
import { createHmac, generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';
import { silentLog } from '../src/kernel/log.ts';
import { RightsState } from '../src/kernel/rights/rights-state.ts';
import { deriveSiteKey, signRight, verifyRight } from '../src/kernel/rights/rights-token.ts';
import { newSiteId, newVideoId } from '../src/protocol/ids.ts';
import { createSiteRights } from '../src/site/rights/site-rights.ts';

const RUNS = 5;
const RUN_MS = 300;
const AT_ONCE = 200;

export interface RightsBench {
  readonly bench: 'rights';
  /** Checks of a token in the time of one of the other: more is better. */
  readonly ratios: Readonly<Record<string, number>>;
  readonly perSecond: Readonly<Record<string, number>>;
}

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

function perSecond(work: () => void): number {
  const startedMs = cpuMs();
  let rounds = 0;
  let elapsedMs = 0;
  while (elapsedMs < RUN_MS) {
    for (let each = 0; each < AT_ONCE; each++) work();
    rounds += AT_ONCE;
    elapsedMs = cpuMs() - startedMs;
  }
  return (rounds * 1_000) / elapsedMs;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

export async function run(): Promise<RightsBench> {
  const video = newVideoId();
  const key = deriveSiteKey(randomBytes(32), newSiteId());
  const claims = { kind: 'viewer', expiresS: 2_000_000_000, subject: '0123456789abcdef' } as const;
  const token = signRight({ generation: 1, key }, claims, video);
  const bytes = Buffer.from(token, 'base64url').subarray(0, 14);
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const message = Buffer.concat([bytes, Buffer.from(video)]);
  const signature = sign(null, message, privateKey);
  const book = RightsState.open();
  const keys = [{ generation: 1, key: key.toString('base64url') }];
  book.apply({ position: 1, more: false, keys, videos: [], revoked: [] });
  const rights = createSiteRights(book, silentLog);
  const works: Readonly<Record<string, () => void>> = {
    token: () => {
      if (!verifyRight(token, video, () => key)) throw new Error('it is genuine');
    },
    'token seen before': () => {
      if (rights.checkToken(token, video)) throw new Error('it holds');
    },
    'forged token': () => {
      if (verifyRight(token, video, () => bytes)) throw new Error('it is not');
    },
    hmac: () => void createHmac('sha256', key).update(bytes).update(video).digest(),
    ed25519: () => {
      if (!verify(null, message, publicKey, signature)) throw new Error('it is genuine');
    },
  };
  const rates = new Map<string, number[]>(Object.keys(works).map(name => [name, []]));
  // In turns, so that what else the machine does meets all of them.
  for (let round = 0; round <= RUNS; round++) {
    for (const [name, work] of Object.entries(works)) {
      const rate = perSecond(work);
      if (round > 0) rates.get(name)?.push(rate);
    }
  }
  const medians = Object.fromEntries([...rates].map(([name, each]) => [name, Math.round(median(each))]));
  console.log('checks a second of CPU time');
  for (const [name, rate] of Object.entries(medians)) console.log(`${name.padEnd(18)} ${rate}`);
  const ratio = (name: string, against: string): number =>
    Math.round(((medians[name] ?? 0) / (medians[against] ?? 1)) * 100) / 100;
  return {
    bench: 'rights',
    ratios: {
      'token against bare HMAC': ratio('token', 'hmac'),
      'token seen before against bare HMAC': ratio('token seen before', 'hmac'),
      'token against Ed25519': ratio('token', 'ed25519'),
    },
    perSecond: medians,
  };
}
