/** The buffer of a site as its settings describe it: its cache, its limits on egress, and its load for the probes. */
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { Lifetime } from '../../kernel/lifecycle/lifetime.ts';
import type { SiteConfig } from '../config.ts';
import {
  type BufferOptions,
  createEgress,
  createStreamBuffer,
  DayBudget,
  isWithin,
  type StreamBuffer,
} from '../delivery/delivery.ts';
import { isTrusted } from '../http/access.ts';
import type { AdmitSample, SiteLoad } from '../http/probe.ts';

/** Share of the uplink from which on trackers should send viewers to other sites. */
const NEARLY_FULL = 0.95;

export interface OpenedBuffer {
  readonly buffer: StreamBuffer;
  readonly load: () => SiteLoad;
  readonly admitSample: AdmitSample;
}

export type OpenBufferDeps = Pick<
  BufferOptions,
  'origin' | 'siteId' | 'trackerUrl' | 'rights' | 'fetchUpstreamsSigned' | 'log'
>;

export async function openBuffer(
  config: SiteConfig,
  deps: OpenBufferDeps,
  lifetime: Lifetime,
): Promise<OpenedBuffer> {
  const day =
    config.uplinkDaily === undefined
      ? undefined
      : await DayBudget.open({
          path: join(config.dataDirectory, 'uplink.json'),
          limitBytes: config.uplinkDaily,
          log: deps.log,
        });
  const egress = createEgress(
    { linkBps: config.uplink, viewersBps: config.uplinkViewers, fillsBps: config.uplinkFills },
    day,
  );
  const buffer = await createStreamBuffer({
    ...deps,
    directory: join(config.dataDirectory, 'buffer'),
    memoryBytes: config.bufferMemory,
    diskBytes: config.bufferDisk,
    egress,
    ...(config.serveViewers
      ? {}
      : { servesViewer: (request: IncomingMessage) => isTrusted(request, config) }),
    mayPrefetch: () => isWithin(config.fillWindows, new Date()),
  });
  lifetime.add('buffer', buffer.stop);
  return {
    buffer,
    admitSample: (socket, bytes) => egress.admit('viewers', socket, bytes),
    load() {
      const { activeResponses } = buffer.stats();
      return {
        activeResponses,
        egressBytes: egress.bytes.viewers + egress.bytes.fills,
        // A full uplink never quite reaches its limit.
        egressLimitBps: egress.viewersLimitBps && egress.viewersLimitBps * NEARLY_FULL,
        servesViewers: config.serveViewers && !egress.isUsedUp,
      };
    },
  };
}
