/** Grants as they are given to people and players, and what central itself makes of one that it is shown. */

import type { SecretBox } from '../../kernel/identity/secret-box.ts';
import { deriveTrackersKey, grantRevoked, signRight, verifyGrant } from '../../kernel/rights/rights-token.ts';
import type { VideoId } from '../../protocol/ids.ts';
import type { Grant } from '../../protocol/rights.ts';
import { findGrant } from '../database/grants.ts';
import { listMasters, type Master } from '../database/rights-keys.ts';
import type { CentralDatabase, GrantRow } from '../database/schema.ts';

export interface GrantUrls {
  /** Of central's pages. */
  readonly centralUrl: string;
  readonly trackerUrl: string | undefined;
}

/** The grant's own text follows from what it says: made by the key of now, whenever it was given. */
export function describeGrant(row: GrantRow, { generation, master }: Master, places: GrantUrls): Grant {
  const video = row.video_id;
  const { centralUrl, trackerUrl } = places;
  const grant = signRight(
    { generation, key: deriveTrackersKey(master) },
    { kind: 'grant', expiresS: Math.floor(Number(row.expires_at) / 1_000), subject: row.id },
    video,
  );
  const at = (path: string): string => `${trackerUrl}${path}?grant=${grant}`;
  return {
    id: row.id,
    video,
    note: row.note,
    createdAt: new Date(Number(row.created_at)).toISOString(),
    expiresAt: new Date(Number(row.expires_at)).toISOString(),
    ...(row.revoked_at === null ? {} : { revokedAt: new Date(Number(row.revoked_at)).toISOString() }),
    grant,
    // Behind the #: browsers tell it to no server, neither in a request nor as a referrer.
    link: `${centralUrl}/watch/${video}#grant=${grant}`,
    ...(trackerUrl === undefined
      ? {}
      : {
          players: {
            play: at(`/play/${video}`),
            hls: at(`/play/${video}.m3u8`),
            dash: at(`/play/${video}.mpd`),
            go: at(`/go/${video}`),
            relay: at(`/relay/${video}.m3u8`),
          },
        }),
  };
}

/**
 * False of what is no grant for this video.
 *
 * @throws Problem 403 where it was one.
 */
export async function hasGrant(
  db: CentralDatabase,
  secrets: SecretBox,
  video: VideoId,
  text: string,
  nowMs: number,
): Promise<boolean> {
  const masters = await listMasters(db, secrets, nowMs);
  const findMaster = (generation: number): Buffer | undefined =>
    masters.find(master => master.generation === generation)?.master;
  const claims = verifyGrant(text, video, findMaster, nowMs / 1_000);
  if (!claims) return false;
  const row = await findGrant(db, video, claims.subject);
  // A centre that was restored may have forgotten one that it gave; trackers take it all the same.
  if (row && row.revoked_at !== null) throw grantRevoked();
  return true;
}
