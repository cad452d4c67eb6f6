/** Reports to central which sites are up, periodically and whenever a site goes up or down. */
import { memberLoop } from '../../kernel/lifecycle/member-loop.ts';
import type { Repeating } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import type { Probes } from '../probing/probes.ts';
import type { Registry } from '../registry/registry.ts';
import type { TrackerCentral } from './central-client.ts';

const EVERY_MS = 10_000;
/** Keeps each report below central's limit for a request body. */
const SITES_PER_REPORT = 500;

export interface SiteStatesDeps {
  readonly central: () => TrackerCentral | undefined;
  readonly registry: Pick<Registry, 'sites'>;
  readonly probes: Pick<Probes, 'of' | 'subscribe'>;
  readonly log: Log;
}

export function startSiteStates({ central, registry, probes, log }: SiteStatesDeps): Repeating {
  const reporting = memberLoop(
    { name: 'reporting site states', peer: central, everyMs: EVERY_MS, log, level: 'debug' },
    async (peer, abort) => {
      const states = registry.sites
        .filter(site => site.active)
        .map(({ site }) => ({ site, up: probes.of(site).up }));
      for (let from = 0; from < states.length; from += SITES_PER_REPORT)
        await peer.reportSiteStates(states.slice(from, from + SITES_PER_REPORT), abort);
      return undefined;
    },
  );
  probes.subscribe({ onUpOrDown: reporting.wake });
  return reporting;
}
