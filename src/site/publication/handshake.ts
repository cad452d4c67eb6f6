/**
 * The handshake with central at every start of a site (publication rules R7, R8, R9): announces the start, compares the
 * records that central holds with the site's own, restores records that the site has lost, and adopts the new epoch. After
 * any failure the whole handshake is repeated.
 */
import { failpoint } from '../../kernel/failpoint.ts';
import { sha256Hex } from '../../kernel/identity/keys.ts';
import { problem } from '../../kernel/problem.ts';
import { canonicalJson } from '../../protocol/base/canonical.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import type { RecordEntry } from '../../protocol/publication/gateway.ts';
import type { SiteConversion } from '../../protocol/publication/handshake.ts';
import { type HandshakeResponse, MAX_RESTORED_ROWS } from '../../protocol/publication/handshake.ts';
import {
  adoptEpoch,
  applyRange,
  type HeldRange,
  listMissing,
  type RecoverSource,
  type RestoredRecord,
} from '../database/publication/handshake.ts';
import { sumPublished } from '../database/publication/records.ts';
import { readSignal } from '../database/publication/signal.ts';
import type { SiteDatabase } from '../database/tables/videos.ts';
import type { Central } from './central-client.ts';

/** Equals the digest of no set of records: central then responds that there is a difference, and all records are compared. */
const NO_DIGEST = 'f'.repeat(64);

export interface HandshakeDeps {
  readonly db: SiteDatabase;
  readonly recoverSource: RecoverSource;
  /** How this site converts videos, for the operator of central. */
  readonly conversion?: SiteConversion | undefined;
  /** A random id of this process. */
  readonly instance?: string | undefined;
  /** Called with the restored records of a page: their sources must be checked again, or deleted. */
  readonly onRestored: (records: readonly RestoredRecord[]) => Promise<void>;
}

type HandshakeCentral = Pick<Central, 'site' | 'handshake' | 'listHeld' | 'fetchRecords'>;

/** @throws Problem as central reported it, or if a response is inconsistent. The epoch is not adopted then. */
export async function performHandshake(
  deps: HandshakeDeps,
  central: HandshakeCentral,
  abort: AbortSignal,
): Promise<void> {
  const { db, conversion, instance } = deps;
  const sum = await sumPublished(db);
  const { start, epoch, id_secret: idSecret } = await readSignal(db);
  const response = await central.handshake(
    {
      start,
      epoch: Number(epoch),
      digest: sum?.digest ?? NO_DIGEST,
      idSecret,
      ...(instance === undefined ? {} : { instance }),
      ...(conversion ? { conversion } : {}),
    },
    abort,
  );
  failpoint('handshake-answered');
  if (!response.same) await compareAll(deps, central, response, abort);
  if (!(await adoptEpoch(db, central.site, response))) {
    throw problem('handshake-superseded', 'This site was started again during the handshake.');
  }
}

async function compareAll(
  { db, recoverSource, onRestored }: HandshakeDeps,
  central: HandshakeCentral,
  { epoch }: HandshakeResponse,
  abort: AbortSignal,
): Promise<void> {
  for (let after: VideoId | undefined; ; ) {
    const page = await central.listHeld(epoch, after, abort);
    const range: HeldRange = { ...page, after };
    const contents = await fetchMissing(await listMissing(db, range), videos =>
      central.fetchRecords(epoch, videos, abort),
    );
    const restored = await applyRange(db, { range, contents, recoverSource });
    if (restored.length > 0) await onRestored(restored);
    const last = page.held.at(-1);
    if (!page.more || !last) return;
    after = last.video;
  }
}

/** Fetches these records. Central limits the size of a response, so several requests may be necessary. */
async function fetchMissing(
  videos: readonly VideoId[],
  fetchRecords: (videos: readonly VideoId[]) => Promise<readonly RecordEntry[]>,
): Promise<ReadonlyMap<VideoId, RecordEntry>> {
  const contents = new Map<VideoId, RecordEntry>();
  for (let missing = videos; missing.length > 0; ) {
    const entries = await fetchRecords(missing.slice(0, MAX_RESTORED_ROWS));
    for (const entry of entries) contents.set(entry.record.video, requireHash(entry));
    const left = missing.filter(video => !contents.has(video));
    if (left.length === missing.length) {
      throw problem('peer-malformed', 'Central lists records that it does not return.');
    }
    missing = left;
  }
  return contents;
}

function requireHash(entry: RecordEntry): RecordEntry {
  if (sha256Hex(canonicalJson(entry.record)) !== entry.hash) {
    throw problem(
      'peer-hash-mismatch',
      `Central's record of video ${entry.record.video} does not match its hash.`,
    );
  }
  return entry;
}
