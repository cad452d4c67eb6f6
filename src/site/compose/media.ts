/** The media part: takes in sources, converts them, and cuts streams from them for the buffer. */
import type { Lifetime } from '../../kernel/lifecycle/lifetime.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import { hashFile } from '../http/uploads/upload-store.ts';
import { queueCaptionsIfNone, SITE_STEP_KINDS } from '../media/conversion/conversion.ts';
import { MAX_EXTRAS_ATTEMPTS, startExtras } from '../media/extras/extras.ts';
import { prepareInWorker } from '../media/index/source-index.ts';
import { createIntake, type Intake } from '../media/intake/intake.ts';
import { startOffload } from '../media/storage/storage.ts';
import { type Conversion, openConversion, type Prepare } from './conversion.ts';
import type { SiteCore } from './core.ts';
import { openOrigin } from './origin.ts';

/** A check of a large source can take this long, and is not interrupted. */
const INTAKE_STOP_LIMIT_MS = 60_000;

export interface MediaPart {
  /** Where the buffer finds the origin: in this process, or where `originUrl` says. */
  readonly originUrl: string;
  readonly intake: Intake;
  /** Undefined if videos cannot be converted here. */
  readonly conversion: Conversion | undefined;
  /** Closes the open files of a video. */
  readonly forget: (video: VideoId) => Promise<void>;
}

export async function openMedia(core: SiteCore, prepareWorker: URL, lifetime: Lifetime): Promise<MediaPart> {
  const { config, db, storage, tools, membership, rights, events, log } = core;
  const prepare: Prepare = (source, index) => prepareInWorker(source, index, { workerUrl: prepareWorker });
  const conversion = tools && openConversion({ config, db, storage, tools, prepare, log });
  const intake = createIntake({
    db,
    storage,
    sourceAddress: config.sourceAddress,
    prepare,
    hashFile,
    converter: conversion?.converter,
    onJob: events.jobAdded.emit,
    onRecord: events.recordWritten.emit,
    log,
  });
  lifetime.add('intake', intake.stop, INTAKE_STOP_LIMIT_MS);
  const origin = config.parts.includes('origin')
    ? await openOrigin(
        config,
        {
          ...{ db, storage, rights: rights.rights },
          key: () => membership.identity().key,
          onDamaged: events.damageChanged.emit,
        },
        lifetime,
      )
    : undefined;
  return {
    originUrl: origin?.url ?? config.originUrl ?? '',
    intake,
    conversion,
    forget: async video => origin?.forget(video),
  };
}

/** Continues what the last start left unfinished, and starts the workers, extras and offload of this process. */
export async function startProcessing(core: SiteCore, media: MediaPart, lifetime: Lifetime): Promise<void> {
  const { config, db, storage, tools, events, log } = core;
  await media.intake.resume();
  // Remote workers see only the object store, so this process does the site's own steps even if it encodes nothing.
  if (media.conversion && (config.workers > 0 || storage.hasObjectStore)) {
    const worker = await media.conversion.start({
      owner: 'site',
      slots: Math.max(1, config.workers),
      hasExpress: config.workers > 0,
      ...(config.workers > 0 ? {} : { kinds: SITE_STEP_KINDS }),
      onRecord: events.recordWritten.emit,
    });
    lifetime.add('workers', worker.stop);
    events.jobAdded.subscribe(worker.wake);
  }
  if (tools) {
    const extras = startExtras({
      db,
      storage,
      sourceAddress: config.sourceAddress,
      tools,
      onRecord: events.recordWritten.emit,
      onMade: async video => {
        if (!config.captionsAutomatically || !config.captionCommand) return;
        if (await queueCaptionsIfNone(db, storage, video)) events.jobAdded.emit();
      },
      log,
    });
    lifetime.add('extras', extras.stop);
    events.recordWritten.subscribe(extras.wake);
  }
  if (storage.hasObjectStore) {
    const offload = startOffload({
      db,
      storage,
      extrasAttempts: tools ? MAX_EXTRAS_ATTEMPTS : 0,
      onOffloaded: media.forget,
      log,
    });
    lifetime.add('offload', offload.stop);
  }
}
