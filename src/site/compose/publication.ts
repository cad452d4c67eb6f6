/** The publication part: everything that a site sends to central and reads from it, except assignments of copies. */

import { startReportingEvents } from '../../kernel/audit/report-events.ts';
import { newNonce } from '../../kernel/identity/keys.ts';
import type { Lifetime } from '../../kernel/lifecycle/lifetime.ts';
import type { Repeating } from '../../kernel/lifecycle/repeat.ts';
import { centralClientOf } from '../../kernel/membership/central-client.ts';
import { followRights } from '../../kernel/rights/follow-rights.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import { createAuditOutbox } from '../database/audit-events.ts';
import { deleteDrafts } from '../database/caption-drafts.ts';
import type { RestoredRecord } from '../database/publication/handshake.ts';
import { deleteRevisions } from '../database/revisions.ts';
import { describeConfinement } from '../media/ffmpeg/ffmpeg.ts';
import { recoverSource } from '../media/intake/intake.ts';
import { startCatalogueSync } from '../publication/catalogue-sync.ts';
import { startPublisher } from '../publication/publisher.ts';
import { startRegistrationWatch } from '../publication/registrations.ts';
import { startWithdrawals } from '../publication/withdrawals.ts';
import type { CopiesPart } from './copies.ts';
import type { SiteCore } from './core.ts';
import type { DeliveryPart } from './delivery.ts';
import type { MediaPart } from './media.ts';

export interface PublicationDeps {
  readonly media: MediaPart;
  readonly delivery: DeliveryPart;
  readonly copies: CopiesPart;
  /** Deletes all of a video from the buffer and closes its files. */
  readonly dropVideo: (video: VideoId) => Promise<void>;
}

export function startPublication(core: SiteCore, parts: PublicationDeps, lifetime: Lifetime): void {
  const { config, db, storage, tools, membership, rights, events, log } = core;
  const { delivery, copies, dropVideo } = parts;
  const { central } = membership;
  const run = (name: string, loop: Repeating, ...wokenBy: readonly (keyof typeof events)[]): void => {
    lifetime.add(name, loop.stop);
    for (const event of wokenBy) events[event].subscribe(loop.wake);
  };

  const publisher = startPublisher({
    db,
    central: membership.centralForHandshakes,
    instance: newNonce(),
    onHandshake: membership.noteHandshake,
    conversion: tools && describeConfinement(tools.confinement),
    recoverSource: record => recoverSource(storage, record),
    onRestored: records => processRestored(core, parts, records),
    newNonce,
    intervalMs: config.signalInterval,
    log,
  });
  run('publisher', publisher, 'recordWritten', 'joined');
  run('registrations', startRegistrationWatch({ db, central, log }), 'recordsPublished', 'joined');
  const withdrawals = startWithdrawals({
    db,
    central,
    async drop(video) {
      await dropVideo(video);
      await copies.dropWithdrawn(video);
    },
    log,
  });
  run('withdrawals', withdrawals, 'joined');
  const following = followRights({
    state: rights.state,
    central: () => centralClientOf(membership.identity()),
    people: core.people.follower,
    log,
  });
  run('rights', following, 'joined');
  const reporting = startReportingEvents({
    outbox: createAuditOutbox(db),
    central: () => centralClientOf(membership.identity()),
    log,
  });
  run('reporting audit events', reporting, 'joined');
  const catalogueSync = startCatalogueSync({
    db,
    central,
    // The library lists no private videos, and central must not learn which ones viewers of this site watch.
    buffered: () => new Set([...delivery.buffered()].filter(video => !rights.rights.isPrivate(video))),
    log,
  });
  run('catalogue sync', catalogueSync);
  const lists = core.lists.follow(() => centralClientOf(membership.identity()), log);
  run('lists of central', lists, 'joined');
  const watch = membership.start({
    onJoined: events.joined.emit,
    onUnreachable: events.unreachable.emit,
    checkEpoch: publisher.checkEpoch,
  });
  run('membership', watch);
}

/** Deletes videos that turned out to be withdrawn, and checks the sources of the others. */
async function processRestored(
  { db, storage, rights, events }: SiteCore,
  { media, dropVideo }: PublicationDeps,
  records: readonly RestoredRecord[],
): Promise<void> {
  for (const { video, kind } of records) {
    if (kind !== 'tombstone') continue;
    await dropVideo(video);
    await deleteRevisions(db, video);
    await deleteDrafts(db, video);
    await storage.remove(video);
  }
  await rights.markStored(records.map(({ video }) => video));
  for (const { video, kind } of records) if (kind === 'video') media.intake.check(video);
  events.copiesChanged.emit();
}
