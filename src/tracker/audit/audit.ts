/** What a tracker reports to central's audit log: who starts to watch a video that is not public, and what its operators do. */
import { join } from 'node:path';
import type { AccessOptions } from '../../kernel/access/access.ts';
import { recordAccess } from '../../kernel/audit/access-events.ts';
import { createRepetitionCounter, WATCH_LIMITS } from '../../kernel/audit/repetitions.ts';
import { type ReportDeps, startReportingEvents } from '../../kernel/audit/report-events.ts';
import type { Lifetime } from '../../kernel/lifecycle/lifetime.ts';
import type { Prefix } from '../../kernel/network.ts';
import { grantIdOf } from '../../kernel/rights/rights-token.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import { type AuditEvent, boundEvent } from '../../protocol/people/audit.ts';
import type { Credentials } from '../client/private-access.ts';
import { openEventFile } from './event-file.ts';

const FILE = 'audit-events.jsonl';

export interface Watch {
  readonly video: VideoId;
  /** The address of the viewer. */
  readonly address: string;
  readonly credentials: Credentials;
}

export interface TrackerAudit extends Required<Pick<AccessOptions, 'onRefused' | 'onBreakGlass'>> {
  /** A viewer has access to a video that is not public, and starts to watch it. */
  recordWatch(watch: Watch): void;
}

export interface TrackerAuditDeps extends Pick<ReportDeps, 'central' | 'log'> {
  readonly config: { readonly dataDirectory: string; readonly trustedProxies: readonly Prefix[] };
}

export function openTrackerAudit(
  { config, central, log }: TrackerAuditDeps,
  lifetime: Lifetime,
): TrackerAudit {
  const file = openEventFile(join(config.dataDirectory, FILE), log);
  lifetime.add('reporting audit events', startReportingEvents({ outbox: file, central, log }).stop);
  const add = (event: AuditEvent): void => file.add(boundEvent(event));
  const accesses = createRepetitionCounter(add);
  const watches = createRepetitionCounter(add, WATCH_LIMITS);
  lifetime.add('audit events', () => {
    accesses.flush();
    watches.flush();
  });
  const now = (): string => new Date().toISOString();
  const { trustedProxies } = config;
  return {
    ...recordAccess({
      count: (event, windowMs) => accesses.add({ at: now(), ...event }, windowMs),
      trustedProxies,
    }),
    recordWatch({ video, address, credentials: { grant, isMember, isOperator } }) {
      // A site fills its buffer; an operator gets no media.
      if (isMember || isOperator) return;
      const who: AuditEvent['who'] =
        grant === undefined
          ? { kind: 'house-network' }
          : { kind: 'nobody', credential: `grant:${grantIdOf(grant)}` };
      watches.add({ at: now(), who, from: address, action: 'video.watch', object: `video:${video}` });
    },
  };
}
