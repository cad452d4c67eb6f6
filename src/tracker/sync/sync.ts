/** The loops that report to central, share with other trackers and read rights. */
import { join } from 'node:path';
import { readOrMakeSecret } from '../../kernel/identity/keys.ts';
import type { Lifetime } from '../../kernel/lifecycle/lifetime.ts';
import type { Log } from '../../kernel/log.ts';
import { followRights } from '../../kernel/rights/follow-rights.ts';
import { RightsState } from '../../kernel/rights/rights-state.ts';
import { createPrivateAccess, type PrivateAccess } from '../client/private-access.ts';
import { createSessions, type Sessions } from '../client/sessions.ts';
import type { NetworkMemory } from '../memory/network-memory.ts';
import type { Probes } from '../probing/probes.ts';
import type { Registry } from '../registry/registry.ts';
import type { ReportIngestion } from '../reports/report-ingestion.ts';
import type { TrackerCentral } from './central-client.ts';
import type { TrackerPeople } from './people.ts';
import { type Plays, startPlays } from './plays.ts';
import { sessionKeyPath, startSharing } from './sharing.ts';
import { startSiteStates } from './site-states.ts';

export interface SyncDeps {
  readonly central: () => TrackerCentral | undefined;
  readonly dataDirectory: string;
  readonly registry: Registry;
  readonly probes: Probes;
  readonly memory: NetworkMemory;
  readonly ingestion: ReportIngestion;
  readonly people: TrackerPeople;
  readonly log: Log;
}

export interface Sync {
  readonly plays: Plays;
  /** Sessions whose key is shared with the other trackers. */
  readonly sessions: Sessions;
  /** Access to private videos, by the rights that central distributes. */
  readonly privateAccess: PrivateAccess;
}

export async function startSync(deps: SyncDeps, lifetime: Lifetime): Promise<Sync> {
  const { central, dataDirectory, log } = deps;
  const sessions = createSessions(await readOrMakeSecret(sessionKeyPath(dataDirectory)));
  const plays = startPlays({ central, path: join(dataDirectory, 'plays.json'), log });
  lifetime.add('delivering plays', plays.stop);
  lifetime.add('reporting site states', startSiteStates(deps).stop);
  lifetime.add('sharing measurements', startSharing({ ...deps, sessions }).stop);
  const rights = RightsState.open(join(dataDirectory, 'rights.json'));
  const followingRights = followRights({
    state: rights,
    central: () => central()?.client,
    people: deps.people.follower,
    log,
  });
  lifetime.add('reading rights', followingRights.stop);
  return { plays, sessions, privateAccess: createPrivateAccess(rights) };
}
