/** The copies part: follows the assignments of central, and makes and deletes copies of other sites' videos. */
import type { Lifetime } from '../../kernel/lifecycle/lifetime.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import { startAssignments, startCopyReconciler } from '../copies/copies.ts';
import { createVerifiedFetcher, isWithin } from '../delivery/delivery.ts';
import { CopyStore } from '../media/copy-store/copy-store.ts';
import { makeRecord } from '../media/record/record.ts';
import type { SiteCore } from './core.ts';
import type { MediaPart } from './media.ts';

export interface CopiesPart {
  /** True if central responded to the last request. */
  readonly isConnected: () => boolean;
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
  const reconciler = startCopyReconciler({
    db,
    store: new CopyStore(storage),
    fetcher,
    siteId: membership.siteId,
    key: () => membership.identity().key,
    sourceAddress: config.sourceAddress,
    freeBytes: () => storage.disks.freeBytes() - config.keepFree,
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
  return { isConnected: assignments.isConnected, dropWithdrawn: reconciler.dropWithdrawn };
}
