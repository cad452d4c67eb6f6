/** Joining the centre. A tracker that cannot join yet goes on trying, and says so at /readyz. */
import type { Signer } from '../kernel/client.ts';
import type { Log } from '../kernel/log.ts';
import { joinCentral, readIdentity, signerOf } from '../kernel/member.ts';
import { messageOf, Problem } from '../kernel/problem.ts';
import { repeat } from '../kernel/timing.ts';
import type { TrackerConfig } from './config.ts';

const RETRY_MS = 1_000;
/** A token that central refuses will hardly become good, and asking more often looks like guessing. */
const REFUSED_RETRY_MS = 15_000;
const IDLE_MS = 3_600_000;

export interface TrackerMembership {
  /** Undefined until this tracker has joined. */
  readonly signer: () => Signer | undefined;
  /** A sentence that says why it has not joined, or undefined. */
  readonly missing: () => string | undefined;
  stop(): Promise<void>;
}

export async function startMembership(
  config: Pick<TrackerConfig, 'dataDirectory' | 'central' | 'joinToken'>,
  onJoined: () => void,
  log: Log,
): Promise<TrackerMembership> {
  const { key, membership } = await readIdentity(config.dataDirectory);
  let signer = membership ? signerOf(key, membership) : undefined;
  let missing: string | undefined;

  const joining = repeat(async () => {
    if (signer) return IDLE_MS;
    if (!config.joinToken) {
      missing =
        'This tracker has not joined the centre. Create it there, and set its joinToken in the configuration.';
      return IDLE_MS;
    }
    try {
      const joined = await joinCentral(
        config.dataDirectory,
        key,
        config.central,
        config.joinToken,
        'tracker',
      );
      signer = signerOf(key, joined);
      missing = undefined;
      log.info({ tracker: joined.id, central: config.central }, 'joined');
      onJoined();
      return IDLE_MS;
    } catch (error) {
      const reason = `This tracker has not joined the centre yet: ${messageOf(error)}`;
      if (reason !== missing) log.warn({ reason: messageOf(error) }, 'not joined yet');
      missing = reason;
      const refused = error instanceof Problem && error.status >= 400 && error.status < 500;
      return refused ? REFUSED_RETRY_MS : RETRY_MS;
    }
  });
  return {
    signer: () => signer,
    missing: () => (signer ? undefined : (missing ?? 'This tracker is joining the centre.')),
    stop: joining.stop,
  };
}
