/** Grants for viewers and players: their tokens and links, and central's own check of a presented token. */

import type { SecretBox } from '../../kernel/identity/secret-box.ts';
import { deriveTrackersKey, grantRevoked, signRight, verifyGrant } from '../../kernel/rights/rights-token.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import type { Grant } from '../../protocol/rights.ts';
import { findGrant } from '../database/grants.ts';
import { listMasters, type Master } from '../database/rights-keys.ts';
import type { CentralDatabase, GrantRow } from '../database/schema.ts';

export interface GrantUrls {
  /** The base URL of central's pages. */
  readonly centralUrl: string;
  readonly trackerUrl: string | undefined;
}

/** The text of a grant, which is signed with the current key, whenever the grant was made. */
export const signGrant = (
  { id, video_id, expires_at }: Pick<GrantRow, 'id' | 'video_id' | 'expires_at'>,
  { generation, master }: Master,
): string =>
  signRight(
    { generation, key: deriveTrackersKey(master) },
    { kind: 'grant', expiresS: Math.floor(Number(expires_at) / 1_000), subject: id },
    video_id,
  );

/** Describes a grant with its text. */
export function describeGrant(row: GrantRow, master: Master, urls: GrantUrls): Grant {
  const video = row.video_id;
  const { centralUrl, trackerUrl } = urls;
  const grant = signGrant(row, master);
  const at = (path: string): string => `${trackerUrl}${path}?grant=${grant}`;
  return {
    id: row.id,
    video,
    note: row.note,
    createdAt: new Date(Number(row.created_at)).toISOString(),
    expiresAt: new Date(Number(row.expires_at)).toISOString(),
    ...(row.revoked_at === null ? {} : { revokedAt: new Date(Number(row.revoked_at)).toISOString() }),
    grant,
    ...(row.embed_origins === null
      ? {}
      : {
          origins: JSON.parse(row.embed_origins) as string[],
          // The server must see this grant, because it decides which pages may contain the player.
          embed: `${centralUrl}/embed/${video}?grant=${grant}`,
        }),
    // The token is in the fragment, which browsers send to no server, neither in a request nor as a referrer.
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

interface GrantDeps {
  readonly db: CentralDatabase;
  readonly secrets: SecretBox;
}

/**
 * Returns whether `text` is a valid grant for this video.
 *
 * @throws Problem 403 if it was one, but has been revoked or has expired.
 */
export const hasGrant = async (
  deps: GrantDeps,
  video: VideoId,
  text: string,
  nowMs: number,
): Promise<boolean> => (await checkGrant(deps, video, text, nowMs)) !== undefined;

/**
 * The row of a valid grant; undefined if `text` is none for this video, or if central has lost the row.
 *
 * @throws Problem as `hasGrant` does
 */
export const findValidGrant = async (
  deps: GrantDeps,
  video: VideoId,
  text: string,
  nowMs: number,
): Promise<GrantRow | undefined> => (await checkGrant(deps, video, text, nowMs))?.row;

async function checkGrant(
  { db, secrets }: GrantDeps,
  video: VideoId,
  text: string,
  nowMs: number,
): Promise<{ readonly row: GrantRow | undefined } | undefined> {
  const masters = await listMasters(db, secrets, nowMs);
  const findMaster = (generation: number): Buffer | undefined =>
    masters.find(master => master.generation === generation)?.master;
  const claims = verifyGrant(text, video, findMaster, nowMs / 1_000);
  if (!claims) return undefined;
  const row = await findGrant(db, video, claims.subject);
  // Central may have lost the row when it was restored from a backup. Trackers accept such a grant, and so does central.
  if (row && row.revoked_at !== null) throw grantRevoked();
  return { row };
}
