/** The buffer (CP) as the settings of a site want it: its cache, its way out, and what a probe is told of it. */
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { Log } from '../../kernel/log.ts';
import type { SiteConfig } from '../config.ts';
import { createStreamBuffer, type StreamBuffer } from '../delivery/buffer.ts';
import { DayBudget } from '../delivery/egress/day-budget.ts';
import { isWithin } from '../delivery/egress/day-windows.ts';
import { createEgress } from '../delivery/egress/egress.ts';
import type { HolderListDeps } from '../delivery/fill/holders.ts';
import type { BufferRights } from '../delivery/respond/rights.ts';
import { isTrusted } from '../http/access.ts';
import type { SiteLoad } from '../http/probe.ts';

/** Of the uplink: from here on trackers are to send viewers elsewhere. */
const NEARLY_FULL = 0.95;

export interface OpenedBuffer {
  readonly buffer: StreamBuffer;
  readonly load: () => SiteLoad;
}

export interface BufferDeps {
  readonly originUrl: string;
  readonly siteId: () => string | undefined;
  readonly trackerUrl: () => string | undefined;
  readonly rights: BufferRights;
  readonly fetchHoldersSigned: HolderListDeps['fetchHoldersSigned'];
}

export async function openBuffer(config: SiteConfig, place: BufferDeps, log: Log): Promise<OpenedBuffer> {
  const day =
    config.uplinkDaily === undefined
      ? undefined
      : await DayBudget.open(join(config.dataDirectory, 'uplink.json'), config.uplinkDaily, log);
  const egress = createEgress(
    { linkBps: config.uplink, viewersBps: config.uplinkViewers, fillsBps: config.uplinkFills },
    day,
  );
  const buffer = await createStreamBuffer({
    siteId: place.siteId,
    directory: join(config.dataDirectory, 'buffer'),
    memoryBytes: config.bufferMemory,
    diskBytes: config.bufferDisk,
    origin: { url: place.originUrl },
    trackerUrl: place.trackerUrl,
    rights: place.rights,
    fetchHoldersSigned: place.fetchHoldersSigned,
    egress,
    ...(config.serveViewers
      ? {}
      : { servesViewer: (request: IncomingMessage) => isTrusted(request, config) }),
    mayPrefetch: () => isWithin(config.fillWindows, new Date()),
    log,
  });
  return {
    buffer,
    load() {
      const { activeResponses } = buffer.stats();
      return {
        activeResponses,
        egressBytes: egress.bytes.viewers + egress.bytes.fills,
        // So that a link that is full is never taken for one that is nearly so.
        egressLimitBps: egress.viewersLimitBps && egress.viewersLimitBps * NEARLY_FULL,
        servesViewers: config.serveViewers && !egress.isUsedUp,
      };
    },
  };
}
