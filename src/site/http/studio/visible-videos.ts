/** Which videos of this site a person may see in the studio: those that they may edit or publish. */
import type { SiteId } from '../../../protocol/base/ids.ts';
import type { Holder, Permission, Scope } from '../../../protocol/people/permissions.ts';
import type { VisibleVideos } from '../../database/tables/videos.ts';

const ANY: ReadonlySet<Permission> = new Set(['edit-any', 'publish', 'everything']);

/** The same decision as `decide` for each video, as a filter of a query. */
export const visibleVideos = ({ person, permissions }: Holder, site: SiteId | undefined): VisibleVideos =>
  permissions.flatMap(({ permission, scope }): VisibleVideos => {
    const within = filterOf(scope, site);
    if (!within) return [];
    if (ANY.has(permission)) return [within];
    return permission === 'edit-own' && person ? [{ ...within, owner: person.id }] : [];
  });

function filterOf(scope: Scope, site: SiteId | undefined): VisibleVideos[number] | undefined {
  if (scope === 'everything') return {};
  if ('site' in scope) return scope.site === site ? {} : undefined;
  return { series: scope.series };
}
