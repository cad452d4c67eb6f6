/** Who made a video id, by the secrets that sites send in their handshakes. Ids that no site made are free for the first one. */
import { type IdOwner, isIdOf } from '../../../kernel/identity/video-ids.ts';
import type { SiteId, VideoId } from '../../../protocol/base/ids.ts';
import type { CentralTransaction } from '../schema.ts';

export interface IdOwners {
  /** True if this site made the id. */
  isOf(site: SiteId, video: VideoId): boolean;
  /** True if another site made the id, and this site did not. A copy of a site's database makes the same ids as the original. */
  isOfAnother(site: SiteId, video: VideoId): boolean;
}

export const NO_ID_OWNERS: IdOwners = { isOf: () => false, isOfAnother: () => false };

/** Reads the id owners of all sites, or only of these. */
export async function readIdOwners(tx: CentralTransaction, sites?: readonly SiteId[]): Promise<IdOwners> {
  const rows = await tx
    .selectFrom('publications')
    .innerJoin('members', 'members.id', 'publications.site_id')
    .select(['site_id', 'id_owner'])
    .where('id_owner', 'is not', null)
    .where('members.revoked_at', 'is', null)
    .where(({ eb, and }) => (sites ? eb('site_id', 'in', sites) : and([])))
    .execute();
  const ownerOf = new Map<SiteId, IdOwner>();
  for (const { site_id, id_owner } of rows) if (id_owner !== null) ownerOf.set(site_id, id_owner);
  const isOf = (site: SiteId, video: VideoId): boolean => {
    const owner = ownerOf.get(site);
    return owner !== undefined && isIdOf(owner, video);
  };
  return {
    isOf,
    isOfAnother: (site, video) =>
      !isOf(site, video) && [...ownerOf.values()].some(owner => isIdOf(owner, video)),
  };
}
