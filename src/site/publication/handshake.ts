/**
 * Greets central (publication rules R7, R8, R9): tells it that a new start has begun, compares what central holds with our
 * own, takes back what was forgotten, and adopts the epoch. Anything that goes wrong on the way means: greet again.
 */
import { failpoint } from '../../kernel/failpoint.ts';
import { sha256Hex } from '../../kernel/identity/keys.ts';
import { problem } from '../../kernel/problem.ts';
import type { VideoId } from '../../protocol/ids.ts';
import { canonicalJson } from '../../protocol/publication/canonical.ts';
import type { RecordEntry } from '../../protocol/publication/gateway.ts';
import { type HandshakeResponse, MAX_RESTORED_ROWS } from '../../protocol/publication/handshake.ts';
import type { SiteConversion } from '../../protocol/site.ts';
import {
  adoptEpoch,
  applyRange,
  type HeldRange,
  listMissing,
  type RecoverSource,
  type RestoredRecord,
} from '../database/handshake.ts';
import { sumPublished } from '../database/records.ts';
import { readSignal } from '../database/signal.ts';
import type { SiteDatabase } from '../database/videos.ts';
import type { CentralCalls } from './central-client.ts';

/** No set of records has it: where the own sum is not known, everything is compared. */
const NO_DIGEST = 'f'.repeat(64);

export interface HandshakeDeps {
  readonly db: SiteDatabase;
  readonly calls: CentralCalls;
  readonly recoverSource: RecoverSource;
  /** How films are converted here: the centre's operator is told too. */
  readonly conversion?: SiteConversion | undefined;
  /** These records were taken back: what they are of may have to be checked anew, or dropped. */
  readonly onRestored: (videos: readonly RestoredRecord[]) => Promise<void>;
}

/** @throws Problem as central answered, or if an answer is not what it should be. Nothing is adopted then. */
export async function performHandshake(options: HandshakeDeps, signal: AbortSignal): Promise<void> {
  const { db, calls } = options;
  const site = calls.site();
  if (site === undefined) throw problem('not-joined', 'This site has not joined a centre yet.');
  const sum = await sumPublished(db);
  const { start, epoch } = await readSignal(db);
  const answer = await calls.greet(
    {
      start,
      epoch: Number(epoch),
      digest: sum?.digest ?? NO_DIGEST,
      ...(options.conversion ? { conversion: options.conversion } : {}),
    },
    signal,
  );
  failpoint('handshake-answered');
  if (!answer.same) await compareAll(options, answer, signal);
  if (!(await adoptEpoch(db, site, answer))) {
    throw problem('handshake-superseded', 'The answer to this greeting is for another start of this site.');
  }
}

async function compareAll(
  { db, calls, recoverSource: revive, onRestored: onTakenBack }: HandshakeDeps,
  { epoch }: HandshakeResponse,
  signal: AbortSignal,
): Promise<void> {
  for (let after: VideoId | undefined; ; ) {
    const page = await calls.listHeld(epoch, after, signal);
    const range: HeldRange = { ...page, after };
    const contents = new Map<VideoId, RecordEntry>();
    const forgotten = await listMissing(db, range);
    for (let missing = forgotten; missing.length > 0; ) {
      const entries = await calls.fetchRecords(epoch, missing.slice(0, MAX_RESTORED_ROWS), signal);
      for (const entry of entries) contents.set(entry.record.video, checkEntry(entry));
      const left = missing.filter(video => !contents.has(video));
      if (left.length === missing.length) {
        throw problem('peer-malformed', 'Central names records that it does not hand out.');
      }
      missing = left;
    }
    const takenBack = await applyRange(db, range, contents, revive);
    if (takenBack.length > 0) await onTakenBack(takenBack);
    const last = page.held.at(-1);
    if (!page.more || !last) return;
    after = last.video;
  }
}

function checkEntry(entry: RecordEntry): RecordEntry {
  if (sha256Hex(canonicalJson(entry.record)) !== entry.hash) {
    throw problem(
      'peer-hash-mismatch',
      `The record of video ${entry.record.video} that central holds is not what its hash says.`,
    );
  }
  return entry;
}
