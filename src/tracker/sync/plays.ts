/** Delivers to central how often videos are played. A delivery is stored before it is made, and repeated until it is confirmed. */
import { randomBytes } from 'node:crypto';
import { memberLoop } from '../../kernel/lifecycle/member-loop.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import { createPlayCounts, type PlayCounts } from '../reports/play-counts.ts';
import type { TrackerCentral } from './central-client.ts';
import { type Delivery, readPlayFile, writePlayFile } from './play-file.ts';

const EVERY_MS = 10_000;
const RETRY_MS = 2_000;
const EPOCH_BYTES = 12;

export interface Plays extends Pick<PlayCounts, 'recordSession' | 'recordRelayed'> {
  /** Delivers as soon as possible. */
  wake(): void;
  /** Stores the plays that central has not confirmed. */
  stop(): Promise<void>;
}

export interface PlaysDeps {
  readonly central: () => TrackerCentral | undefined;
  /** The file of the plays that central has not confirmed. */
  readonly path: string;
  readonly log: Log;
}

export function startPlays({ central, path, log }: PlaysDeps): Plays {
  const before = readPlayFile(path, log);
  const counts = createPlayCounts(before);
  const epoch = randomBytes(EPOCH_BYTES).toString('base64url');
  let sequence = 0;
  // A delivery of an earlier process keeps its epoch and number, because central may have counted it.
  let { delivery } = before;
  let savedVersion = counts.version;

  async function save(): Promise<void> {
    const { version } = counts;
    await writePlayFile(path, { delivery, ...counts.list(Date.now()) });
    savedVersion = version;
  }
  function next(): Delivery | undefined {
    const taken = counts.take();
    return taken && { epoch, sequence: ++sequence, ...taken };
  }

  const delivering = memberLoop(
    { name: 'delivering plays', peer: central, everyMs: EVERY_MS, retryMs: RETRY_MS, log, level: 'debug' },
    async (peer, abort) => {
      // Plays that are counted while central is unavailable are stored, too.
      if (counts.version !== savedVersion) await save();
      while (!abort.aborted) {
        if (!delivery) {
          delivery = next();
          if (!delivery) break;
          await save();
        }
        await peer.deliverPlays(delivery, abort);
        delivery = undefined;
      }
      return undefined;
    },
  );
  return {
    ...counts,
    wake: delivering.wake,
    async stop() {
      await delivering.stop();
      await save().catch(error => log.error({ reason: messageOf(error) }, 'plays are lost'));
    },
  };
}
