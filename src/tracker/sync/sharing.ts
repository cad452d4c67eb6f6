/** Shares measurements and the session key with the other trackers, through central, so that a viewer can use any tracker. */
import { join } from 'node:path';
import { writeDurably } from '../../kernel/files.ts';
import { memberLoop } from '../../kernel/lifecycle/member-loop.ts';
import type { Repeating } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import type { Sessions } from '../client/sessions.ts';
import type { NetworkMemory } from '../memory/network-memory.ts';
import type { ReportIngestion } from '../reports/report-ingestion.ts';
import type { TrackerCentral } from './central-client.ts';
import { listOwnMeasurements, recordPeerMeasurements } from './peer-measurements.ts';

const EVERY_MS = 5_000;

export interface SharingDeps {
  readonly central: () => TrackerCentral | undefined;
  readonly dataDirectory: string;
  readonly memory: NetworkMemory;
  readonly ingestion: Pick<ReportIngestion, 'peerMeasurement'>;
  readonly sessions: Sessions;
  readonly log: Log;
}

export const sessionKeyPath = (dataDirectory: string): string => join(dataDirectory, 'session.key');

export function startSharing(deps: SharingDeps): Repeating {
  const { central, dataDirectory, memory, sessions, log } = deps;
  let after = '';
  let sentAtMs = 0;
  let sessionKey: string | undefined;

  async function adoptSessionKey(key: string): Promise<void> {
    if (key === sessionKey) return;
    sessionKey = key;
    sessions.share(Buffer.from(key, 'base64url'));
    // After a restart this key is used from the start, even if central is unavailable.
    await writeDurably(sessionKeyPath(dataDirectory), key, 0o600);
  }

  return memberLoop(
    { name: 'sharing measurements', peer: central, everyMs: EVERY_MS, log, level: 'debug' },
    async (peer, abort) => {
      const nowMs = Date.now();
      const summaries = listOwnMeasurements(memory, sentAtMs, nowMs);
      const response = await peer.exchangeMeasurements({ after, summaries }, abort);
      sentAtMs = nowMs;
      after = response.after;
      recordPeerMeasurements(response.peers, deps, nowMs);
      await adoptSessionKey(response.sessionKey);
      return response.more ? 0 : undefined;
    },
  );
}
