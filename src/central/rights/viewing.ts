/**
 * Grants for viewers who may watch a video: central issues them by itself, and ends them when the viewer may not watch it any more.
 * They end after a few hours in any case, so a site that is offline accepts none of them for longer than that.
 */
import { type Authority, BREAK_GLASS, HOUSE_NETWORK } from '../../kernel/access/authority.ts';
import { type Repeating, repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import { mayWatch, type Viewer } from '../../protocol/people/viewing.ts';
import type { ChangeNotifier } from '../change-notifier.ts';
import type { CentralConfig } from '../config.ts';
import { insertGrant, revokeGrantsById } from '../database/grants.ts';
import { findRightsOfCredential } from '../database/people/authority.ts';
import type { CentralDatabase, GrantRow } from '../database/schema.ts';
import {
  deleteExpiredViewingGrants,
  findViewingGrant,
  listChangedViewingGrants,
} from '../database/viewing-grants.ts';
import { findWatchable, type WatchableVideo } from './watchable.ts';

/** A viewer gets a grant that is valid for twice the length of the video at least, within these limits. */
const MIN_VIEWING_MS = 3 * 3_600_000;
const MAX_VIEWING_MS = 6 * 3_600_000;
const CHECK_EVERY_MS = 30_000;
const MIN_PAUSE_MS = 200;
/** Stand for the credential of viewers without an account. */
const OPERATOR_TOKEN = 'operator-token';
const HOUSE = 'house-network';

export interface ViewingDeps {
  readonly db: CentralDatabase;
  readonly config: Pick<CentralConfig, 'breakGlass' | 'houseNetworks'>;
  readonly changes: Pick<ChangeNotifier, 'notify'>;
}

/** The grant for a viewer who may watch this video; undefined if the viewer's right has ended meanwhile. */
export async function issueViewingGrant(
  deps: ViewingDeps,
  viewer: Authority,
  video: { readonly id: VideoId; readonly durationMs: number },
  nowMs: number,
): Promise<GrantRow | undefined> {
  const { db, changes } = deps;
  const credential = credentialOf(viewer);
  const viewingMs = Math.min(MAX_VIEWING_MS, Math.max(MIN_VIEWING_MS, 2 * video.durationMs));
  const known = await findViewingGrant(db, { video: video.id, credential, untilMs: nowMs + viewingMs });
  if (known) return known;
  await deleteExpiredViewingGrants(db, nowMs);
  const issued = await insertGrant(
    db,
    {
      video: video.id,
      note: '',
      // It can be used again until it is valid for `viewingMs` only.
      expiresMs: nowMs + 2 * viewingMs,
      viewer: { person: viewer.person?.id, credential },
    },
    nowMs,
  );
  // The right may have ended after it was checked and before the grant existed, when nobody could revoke the grant.
  const isStillValid = createCheck(deps, nowMs);
  if (await isStillValid({ video_id: video.id, credential_id: credential })) return issued;
  await revokeGrantsById(db, [issued.id], nowMs);
  changes.notify();
  return undefined;
}

const credentialOf = ({ via, credential }: Authority): string =>
  credential?.id ?? (via === 'operator-token' ? OPERATOR_TOKEN : HOUSE);

/** Returns a function that says whether a grant is still right. It reads each viewer and each video once. */
function createCheck({ db, config }: ViewingDeps, nowMs: number) {
  const viewers = new Map<string, Promise<Viewer | undefined>>();
  const videos = new Map<VideoId, Promise<WatchableVideo | undefined>>();
  const findViewer = async (credential: string): Promise<Viewer | undefined> => {
    if (credential === OPERATOR_TOKEN) return config.breakGlass ? BREAK_GLASS : undefined;
    if (credential === HOUSE) return config.houseNetworks.length > 0 ? HOUSE_NETWORK : undefined;
    const rights = await findRightsOfCredential(db, credential, nowMs);
    return rights && { ...rights, person: { id: rights.person.id } };
  };
  return async (grant: { readonly video_id: VideoId; readonly credential_id: string }): Promise<boolean> => {
    const { video_id: id, credential_id: credential } = grant;
    const viewer = remember(viewers, credential, () => findViewer(credential));
    const video = remember(videos, id, () => findWatchable(db, id));
    const [found, watched] = [await viewer, await video];
    return found !== undefined && watched !== undefined && mayWatch(found, watched.watchable);
  };
}

function remember<Key, Value>(known: Map<Key, Value>, key: Key, read: () => Value): Value {
  const value = known.get(key) ?? read();
  known.set(key, value);
  return value;
}

export interface ViewingLoopDeps extends ViewingDeps {
  readonly changes: ChangeNotifier;
  readonly log: Log;
}

/** Revokes the grants of viewers who may not watch their video any more, after every change of people and videos. */
export function startViewingLoop(deps: ViewingLoopDeps): Repeating {
  const { db, changes, log } = deps;
  let position = 0;
  let since = -1;
  return repeat(async abort => {
    await changes.waitForChange(since, CHECK_EVERY_MS, abort);
    if (abort.aborted || changes.closed) return CHECK_EVERY_MS;
    since = changes.version;
    try {
      const nowMs = Date.now();
      const changed = await listChangedViewingGrants(db, position, nowMs);
      const isStillValid = createCheck(deps, nowMs);
      const ended: string[] = [];
      for (const grant of changed.grants) if (!(await isStillValid(grant))) ended.push(grant.id);
      if (ended.length > 0) {
        await revokeGrantsById(db, ended, nowMs);
        changes.notify();
      }
      position = changed.position;
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'grants of viewers could not be checked, will retry');
    }
    return MIN_PAUSE_MS;
  });
}
