/** The copies part: follows the assignments of central, and makes and deletes copies of other sites' videos. */
import type { Lifetime } from '../../kernel/lifecycle/lifetime.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import { noteDamagedCopy, startAssignments, startCopyReconciler, startRepairs } from '../copies/copies.ts';
import { createVerifiedFetcher, isWithin, type VerifiedFetcher } from '../delivery/delivery.ts';
import { startFileChecks } from '../maintenance/file-checks.ts';
import { CopyStore } from '../media/copy-store/copy-store.ts';
import { makeRecord } from '../media/record/record.ts';
import { startStorageReports } from '../publication/storage-reports.ts';
import type { SiteCore } from './core.ts';
import type { MediaPart } from './media.ts';
import { cutChecked } from './origin.ts';

export interface CopiesPart {
  /** True if central responded to the last request. */
  readonly isConnected: () => boolean;
  /** When central last responded; undefined if it has not since this start. */
  readonly respondedAtMs: () => number | undefined;
  /** Deletes the copy of a withdrawn video. */
  readonly dropWithdrawn: (video: VideoId) => Promise<void>;
}

export function startCopies(core: SiteCore, media: MediaPart, lifetime: Lifetime): CopiesPart {
  const { config, db, storage, membership, rights, events, fetchUpstreamsSigned, log } = core;
  const fetcher = createVerifiedFetcher({
    selfSiteId: membership.siteId,
    trackerUrl: membership.trackerUrl,
    fetchUpstreamsSigned,
    onPrivate: rights.rights.notePrivate,
    log,
  });
  lifetime.add('copy fetcher', fetcher.stop);
  const store = new CopyStore(storage);
  const freeBytes = (): number => storage.disks.freeBytes() - config.keepFree;
  const reconciler = startCopyReconciler({
    db,
    store,
    fetcher,
    siteId: membership.siteId,
    key: () => membership.identity().key,
    sourceAddress: config.sourceAddress,
    freeBytes,
    mayFetch: () => isWithin(config.fillWindows, new Date()),
    describe: video => makeRecord(video, { storage, sourceAddress: config.sourceAddress }),
    deleteFiles: video => storage.remove(video),
    closeFiles: media.forget,
    onRecord: events.recordWritten.emit,
    onStored: video => rights.markStored([video]),
    log,
  });
  lifetime.add('copies', reconciler.stop);
  events.copiesChanged.subscribe(reconciler.wake);
  const assignments = startAssignments({
    db,
    central: membership.central,
    onAssigned: events.copiesChanged.emit,
    log,
  });
  lifetime.add('assignments', assignments.stop);
  events.joined.subscribe(assignments.wake);
  startIntegrity(core, media, { store, fetcher, freeBytes }, lifetime);
  const { isConnected, respondedAtMs } = assignments;
  return { isConnected, respondedAtMs, dropWithdrawn: reconciler.dropWithdrawn };
}

interface IntegrityDeps {
  readonly store: CopyStore;
  readonly fetcher: VerifiedFetcher;
  readonly freeBytes: () => number;
}

/** Checks the stored files in the background, repairs damaged ones from other sites, and reports the others to central. */
function startIntegrity(
  core: SiteCore,
  media: MediaPart,
  { store, fetcher, freeBytes }: IntegrityDeps,
  lifetime: Lifetime,
): void {
  const { config, db, storage, membership, events, log } = core;
  const checks = startFileChecks({
    ...{ db, storage, store, log },
    rate: config.checkRate,
    intervalMs: config.checkInterval,
    async onDamagedCopy(video, files) {
      await noteDamagedCopy({ db, onRecord: events.recordWritten.emit }, video, files);
      events.copiesChanged.emit();
    },
    onDamage: events.damageChanged.emit,
  });
  lifetime.add('file checks', checks.stop);
  events.recordWritten.subscribe(checks.wake);
  events.damageChanged.subscribe(checks.wake);
  const repairs = startRepairs({
    ...{ db, store, fetcher, log },
    siteId: membership.siteId,
    publicKey: () => membership.identity().key.publicKey,
    cut: (video, revision, file) => cutChecked({ db, storage }, { video, revision, file }),
    closeFiles: media.forget,
    onDamage: events.damageChanged.emit,
  });
  lifetime.add('repairs', repairs.stop);
  events.damageChanged.subscribe(repairs.wake);
  const reports = startStorageReports({
    ...{ db, freeBytes, log },
    central: membership.central,
    servesViewers: config.serveViewers,
  });
  lifetime.add('storage reports', reports.stop);
  events.damageChanged.subscribe(reports.wake);
  events.joined.subscribe(reports.wake);
}
