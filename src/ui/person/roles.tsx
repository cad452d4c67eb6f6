/** Roles in plain words: "Author at Hangzhou". */
import type { SiteId } from '../../protocol/base/ids.ts';
import type { Site } from '../../protocol/central.ts';
import type { Assignment, Scope } from '../../protocol/people/decide.ts';
import { call } from '../api/call.ts';
import { usePoll } from '../api/use-poll.ts';
import type { Texts } from '../i18n/texts.ts';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useMe } from '../me/use-me.tsx';

const REFRESH_MS = 60_000;

/** The names of sites by their ids. */
export type SiteNames = ReadonlyMap<SiteId, string>;

export function useSiteNames(): SiteNames {
  const { token } = useMe();
  const { value } = usePoll(
    token ?? '',
    async abort => {
      const { sites } = await call<{ readonly sites: readonly Site[] }>('/api/sites', { token, abort });
      return new Map(
        sites.filter(site => site.state !== 'revoked').map(site => [site.id, site.name] as const),
      );
    },
    () => REFRESH_MS,
  );
  return value ?? new Map();
}

/** A site whose name is unknown has its id. */
export function formatScope(scope: Scope, names: SiteNames, { roles }: Texts): string {
  if (scope === 'everything') return roles.scopes.everywhere;
  return 'site' in scope ? (names.get(scope.site) ?? scope.site) : scope.series;
}

export function formatAssignment({ role, scope }: Assignment, names: SiteNames, { roles }: Texts): string {
  const name = roles.names[role];
  if (scope === 'everything') return roles.everywhere(name);
  return 'site' in scope
    ? roles.atSite(name, names.get(scope.site) ?? scope.site)
    : roles.inSeries(name, scope.series);
}

interface RoleChipsProps {
  readonly roles: readonly Assignment[];
  readonly names: SiteNames;
}

export function RoleChips({ roles, names }: RoleChipsProps) {
  const { t } = useTranslation();
  if (roles.length === 0) return <span class="quiet">{t.roles.none}</span>;
  return (
    <ul class="chips">
      {roles.map(assignment => (
        <li
          key={JSON.stringify(assignment)}
          class="chip"
          data-role={assignment.role}
          title={t.roles.descriptions[assignment.role]}
        >
          {formatAssignment(assignment, names, t)}
        </li>
      ))}
    </ul>
  );
}
