/** The delivery part: the buffer that serves viewers, in this process or in its own. */
import type { Lifetime } from '../../kernel/lifecycle/lifetime.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import type { StreamBuffer } from '../delivery/delivery.ts';
import type { AdmitSample, SiteLoad } from '../http/probe.ts';
import { startViewerReports } from '../publication/viewer-reports.ts';
import { openBuffer } from './buffer.ts';
import type { SiteCore } from './core.ts';
import { createRemoteBuffer } from './remote-buffer.ts';

export interface DeliveryPart {
  /** Undefined if the buffer runs in its own process. */
  readonly buffer: StreamBuffer | undefined;
  readonly load: () => SiteLoad;
  /** Undefined if the buffer runs in its own process, which then serves the samples. */
  readonly admitSample?: AdmitSample;
  /** Deletes all of a video from the buffer. @throws Problem if a buffer in another process cannot be reached; it is retried. */
  readonly drop: (video: VideoId) => Promise<void>;
  /** The videos of which the buffer of this process holds something. */
  readonly buffered: () => ReadonlySet<VideoId>;
}

/** A buffer in another process responds to the probes itself. */
const NO_LOAD: SiteLoad = {
  activeResponses: 0,
  egressBytes: 0,
  egressLimitBps: undefined,
  servesViewers: true,
};

export async function openDelivery(
  core: SiteCore,
  originUrl: string,
  lifetime: Lifetime,
): Promise<DeliveryPart> {
  const { config, membership, rights, fetchUpstreamsSigned, log } = core;
  if (!config.parts.includes('buffer')) {
    const remote = createRemoteBuffer(config.bufferUrl ?? '', config.operatorToken, log);
    lifetime.add('remote buffer', remote.stop);
    const reports = startViewerReports({ take: remote.takeReports, tracker: membership.tracker, log });
    lifetime.add('viewer reports', reports.stop);
    return { buffer: undefined, load: () => NO_LOAD, drop: remote.drop, buffered: () => new Set() };
  }
  const { buffer, load, admitSample } = await openBuffer(
    config,
    {
      origin: { url: originUrl },
      siteId: membership.siteId,
      trackerUrl: membership.trackerUrl,
      rights: rights.rights,
      fetchUpstreamsSigned,
      log,
    },
    lifetime,
  );
  const reports = startViewerReports({
    take() {
      const { viewers, videos } = buffer.takeReports();
      return { viewers: [...viewers], videos: [...videos] };
    },
    tracker: membership.tracker,
    log,
  });
  lifetime.add('viewer reports', reports.stop);
  return { buffer, load, admitSample, drop: buffer.drop, buffered: buffer.videos };
}
