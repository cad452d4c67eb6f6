/**
 * Measures the CPU time in which a site checks a token, one that it sees for the first time and one that it has already
 * checked, in one process: compared with the plain HMAC-SHA256 of the same bytes (the limit), and with an Ed25519
 * signature, which was not chosen (docs/decisions/0015).
 */
import { createHmac, generateKeyPairSync, randomBytes, sign as signEd25519, verify } from 'node:crypto';
import { silentLog } from '../src/kernel/log.ts';
import { RightsState } from '../src/kernel/rights/rights-state.ts';
import {
  deriveSiteKey,
  deriveTrackersKey,
  signRight,
  verifyRight,
} from '../src/kernel/rights/rights-token.ts';
import { newSiteId, newVideoId } from '../src/protocol/base/ids.ts';
import { createSiteRights } from '../src/site/rights/site-rights.ts';
import { createPrivateAccess } from '../src/tracker/client/private-access.ts';
import { createPlayResponses } from '../src/tracker/play/responses.ts';
import { createTimelines } from '../src/tracker/play/timelines.ts';
import { clientOf, hideVideos, makeFilledTracker, videoOf } from './choose/filled.ts';

const RUNS = 15;
const RUN_MS = 100;
const CHECKS_PER_ROUND = 200;
const VIDEOS = 500;
const FRESH_GRANTS = 40_000;

export interface RightsBench {
  readonly bench: 'rights';
  /** Checks of a token in the time of one check of the other kind: higher is better. */
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
    for (let each = 0; each < CHECKS_PER_ROUND; each++) work();
    rounds += CHECKS_PER_ROUND;
    elapsedMs = cpuMs() - startedMs;
  }
  return (rounds * 1_000) / elapsedMs;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** The runs are interleaved, so that other work on the machine affects all of them equally. @returns medians */
function measure(works: Readonly<Record<string, () => void>>): Readonly<Record<string, number>> {
  const rates = new Map<string, number[]>(Object.keys(works).map(name => [name, []]));
  for (let round = 0; round <= RUNS; round++) {
    for (const [name, work] of Object.entries(works)) {
      const rate = perSecond(work);
      if (round > 0) rates.get(name)?.push(rate);
    }
  }
  return Object.fromEntries([...rates].map(([name, each]) => [name, Math.round(median(each))]));
}

/** A play request for a public video, and for a private one by a viewer with a grant: the whole response of a tracker. */
function createPlays(): Readonly<Record<string, () => void>> {
  const master = randomBytes(32);
  const state = RightsState.open();
  const keys = [{ generation: 1, key: master.toString('base64url') }];
  state.apply({ position: 1, more: false, keys, videos: [], revoked: [] });
  const tracker = makeFilledTracker(VIDEOS, createPrivateAccess(state));
  hideVideos(tracker.registry, VIDEOS);
  const responses = createPlayResponses({ ...tracker, timelines: createTimelines() });
  const trackersKey = { generation: 1, key: deriveTrackersKey(master) };
  const sign = (at: number, id: number): string => {
    const subject = id.toString(16).padStart(16, '0');
    return signRight(trackersKey, { kind: 'grant', expiresS: 2_000_000_000, subject }, videoOf(VIDEOS + at));
  };
  const play = (n: number, grant: string | undefined): void => {
    const address = clientOf(n * 7);
    responses.json({
      video: videoOf(n % (2 * VIDEOS)),
      address,
      client: tracker.viewers.at(address),
      claimedAddress: undefined,
      credentials: { grant },
      trackerUrl: 'https://tracker.example.edu',
      sessionId: undefined,
      player: 'script',
    });
  };
  /** A player and its page make several requests with the same grant. */
  const grants = Array.from({ length: VIDEOS }, (_, at) => sign(at, at));
  /** More than a tracker remembers. */
  const fresh = Array.from({ length: FRESH_GRANTS }, (_, at) => sign(at % VIDEOS, at + VIDEOS));
  let n = 0;
  return {
    'public play': () => play(n++ % VIDEOS, undefined),
    'play with a grant': () => {
      const at = n++ % VIDEOS;
      play(VIDEOS + at, grants[at]);
    },
    'first play with a grant': () => {
      const at = n++ % fresh.length;
      play(VIDEOS + (at % VIDEOS), fresh[at]);
    },
  };
}

export async function run(): Promise<RightsBench> {
  const video = newVideoId();
  const key = deriveSiteKey(randomBytes(32), newSiteId());
  const claims = { kind: 'viewer', expiresS: 2_000_000_000, subject: '0123456789abcdef' } as const;
  const token = signRight({ generation: 1, key }, claims, video);
  const bytes = Buffer.from(token, 'base64url').subarray(0, 14);
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const message = Buffer.concat([bytes, Buffer.from(video)]);
  const signature = signEd25519(null, message, privateKey);
  const state = RightsState.open();
  const keys = [{ generation: 1, key: key.toString('base64url') }];
  state.apply({ position: 1, more: false, keys, videos: [], revoked: [] });
  const rights = createSiteRights(state, silentLog);
  const checks: Readonly<Record<string, () => void>> = {
    token: () => {
      if (!verifyRight(token, video, () => key)) throw new Error('A genuine token was rejected.');
    },
    'token seen before': () => {
      if (rights.checkToken(token, video)) throw new Error('A valid token was rejected.');
    },
    'forged token': () => {
      if (verifyRight(token, video, () => bytes)) throw new Error('A forged token was accepted.');
    },
    hmac: () => void createHmac('sha256', key).update(bytes).update(video).digest(),
    ed25519: () => {
      if (!verify(null, message, publicKey, signature)) throw new Error('A genuine signature was rejected.');
    },
  };
  // Memory that other work has left unused for seconds may be slow at first, so each group is measured by itself.
  const medians = { ...measure(createPlays()), ...measure(checks) };
  console.log('checks per second of CPU time');
  for (const [name, rate] of Object.entries(medians)) console.log(`${name.padEnd(18)} ${rate}`);
  const ratioOf = (name: string, against: string): number =>
    Math.round(((medians[name] ?? 0) / (medians[against] ?? 1)) * 100) / 100;
  return {
    bench: 'rights',
    ratios: {
      'token against bare HMAC': ratioOf('token', 'hmac'),
      'token seen before against bare HMAC': ratioOf('token seen before', 'hmac'),
      'token against Ed25519': ratioOf('token', 'ed25519'),
      'play with a grant against a public play': ratioOf('play with a grant', 'public play'),
      'first play with a grant against a public play': ratioOf('first play with a grant', 'public play'),
    },
    perSecond: medians,
  };
}
