/** A site with its web part: the list of its parts, in the order in which they start. They stop in reverse order. */
import { type Lifetime, startPart } from '../../kernel/lifecycle/lifetime.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import type { SiteConfig } from '../config.ts';
import { listVideosInState } from '../database/tables/videos.ts';
import { createSchedule } from '../http/schedule.ts';
import { startMaintenance } from '../maintenance/maintenance.ts';
import { removeOrphans } from '../maintenance/orphans.ts';
import { startSearchIndex } from '../maintenance/search-index.ts';
import { startCopies } from './copies.ts';
import { openCore, type SiteCore } from './core.ts';
import { openDelivery } from './delivery.ts';
import { type HttpPart, openHttp } from './http.ts';
import { type MediaPart, openMedia, startProcessing } from './media.ts';
import { startPublication } from './publication.ts';
import type { RunningSite, SiteFiles } from './running-site.ts';

/** Starts the web part, and the origin and the buffer if `config.parts` names them. @throws DamagedDatabase */
export const startWithWeb = (config: SiteConfig, files: SiteFiles, log: Log): Promise<RunningSite> =>
  startPart({ part: 'site', log }, async lifetime => {
    const core = await openCore(config, log, lifetime);
    const media = await openMedia(core, files.prepareWorker, lifetime);
    const delivery = await openDelivery(core, media.originUrl, lifetime);
    const dropVideo = async (video: VideoId): Promise<void> => {
      await delivery.drop(video);
      await media.forget(video);
    };
    // A buffer in another process that is unavailable gets the withdrawal later. The author need not wait for that.
    const onWithdrawn = (video: VideoId): Promise<void> =>
      dropVideo(video).catch(error => {
        if (delivery.buffer) throw error;
        log.warn({ video, reason: messageOf(error) }, 'the buffer will receive a withdrawal later');
      });
    const copies = startCopies(core, media, lifetime);
    startPublication(core, { media, delivery, copies, dropVideo }, lifetime);
    const http = await openHttp(core, { media, delivery, copies, onWithdrawn, files }, lifetime);
    await finishDeletions(core, dropVideo);
    await startSchedule(core, http, onWithdrawn, lifetime);
    await startProcessing(core, media, lifetime);
    startMaintenanceOf(core, media, http, lifetime);
    return { url: await http.listen() };
  });

/** Deletes what an interrupted withdrawal or upload has left in the buffer, on the disks and in the database. */
async function finishDeletions(
  { db, storage, log }: SiteCore,
  dropVideo: (video: VideoId) => Promise<void>,
): Promise<void> {
  for (const { id } of await listVideosInState(db, ['withdrawn'])) {
    await dropVideo(id).catch(error =>
      log.warn({ reason: messageOf(error) }, 'a withdrawn video could not be deleted from the buffer yet'),
    );
  }
  await removeOrphans(db, storage).catch(error =>
    log.warn({ err: error }, 'some orphans could not be removed; the next start will retry'),
  );
}

/** Videos that were due while the site was stopped change before its first request. */
async function startSchedule(
  core: SiteCore,
  { reserve }: HttpPart,
  onWithdrawn: (video: VideoId) => Promise<void>,
  lifetime: Lifetime,
): Promise<void> {
  const { rights, events, log } = core;
  const schedule = createSchedule({
    ...core,
    ...rights,
    reserve,
    onRecord: events.recordWritten.emit,
    onWithdrawn,
  });
  await schedule
    .run()
    .catch(error =>
      log.warn({ reason: messageOf(error) }, 'the schedule of videos could not be applied yet'),
    );
  lifetime.add('schedule of videos', schedule.start().stop);
}

function startMaintenanceOf(core: SiteCore, media: MediaPart, http: HttpPart, lifetime: Lifetime): void {
  const { config, db, storage, events, log } = core;
  const maintenance = startMaintenance({
    db,
    disks: storage.disks,
    reserve: http.reserve,
    uploads: http.uploads,
    intake: media.intake,
    keepFreeBytes: config.keepFree,
    onDiskBack: events.jobAdded.emit,
    onRecord: events.recordWritten.emit,
    log,
  });
  lifetime.add('maintenance', maintenance.stop);
  const siteId = core.membership.siteId;
  lifetime.add('search index', startSearchIndex({ db, storage, siteId, log }).stop);
}
