/** Which videos of this site a person may see in the studio, as filters of queries. */
import type { SiteId } from '../../../protocol/base/ids.ts';
import type { Holder, Permission, Scope } from '../../../protocol/people/permissions.ts';
import type { VisibleVideos } from '../../database/tables/videos.ts';

/** The permissions for any video of their scope. `edit-own` counts in addition. */
type Any = ReadonlySet<Permission>;
const TO_WORK_ON: Any = new Set(['edit-any', 'publish', 'everything']);
const IN_JOBS: Any = new Set(['edit-any', 'see-jobs', 'everything']);

/** The videos that a person may edit or publish. */
export const visibleVideos = (holder: Holder, site: SiteId | undefined): VisibleVideos =>
  videosOf(holder, site, TO_WORK_ON);

/** The videos whose conversions a person may see. */
export const videosOfVisibleJobs = (holder: Holder, site: SiteId | undefined): VisibleVideos =>
  videosOf(holder, site, IN_JOBS);

/** The same decision as `decide` for each video. */
const videosOf = ({ person, permissions }: Holder, site: SiteId | undefined, any: Any): VisibleVideos =>
  permissions.flatMap(({ permission, scope }): VisibleVideos => {
    const within = filterOf(scope, site);
    if (!within) return [];
    if (any.has(permission)) return [within];
    return permission === 'edit-own' && person ? [{ ...within, owner: person.id }] : [];
  });

function filterOf(scope: Scope, site: SiteId | undefined): VisibleVideos[number] | undefined {
  if (scope === 'everything') return {};
  if ('site' in scope) return scope.site === site ? {} : undefined;
  return { series: scope.series };
}
