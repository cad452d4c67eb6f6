/** The videos: the sites that store them, their copies with the reasons, and why there are no more copies. */
import type { CopyReport, Placement } from '../../../protocol/copies.ts';
import { Table } from '../../components/table.tsx';
import { SITE_COLOURS, type SiteHealth } from '../../health/health.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { formatPlacementReason } from './placement-reason.ts';

const COLOURS = { complete: 'good', outdated: 'warn', copying: 'warn', leaving: 'quiet' } as const;

interface PlacementsProps {
  readonly report: CopyReport;
  /** The state of a site now; undefined for a site that the page does not know. */
  readonly healthOf: (site: string) => SiteHealth | undefined;
}

export function Placements({ report, healthOf }: PlacementsProps) {
  const { t, format } = useTranslation();
  if (report.placements.length === 0)
    return <p class="quiet">{report.videos === 0 ? t.catalogue.empty : t.copies.noVideos}</p>;
  const { video, origin, size, holders, copies, notCopied } = t.copies.columns;
  return (
    <>
      <Table
        testId="placements"
        label={t.copies.videos}
        columns={[video, origin, size, holders, copies, notCopied]}
      >
        {report.placements.map(placement => (
          <tr key={placement.video} data-video={placement.video}>
            <th scope="row">
              <a href={`/watch/${placement.video}`} dir="auto">
                {placement.name}
              </a>
              {placement.isPrivate && <div class="warn">{t.catalogue.isPrivate}</div>}
            </th>
            <td>
              {placement.origin.name}
              <SiteTrouble health={healthOf(placement.origin.id)} />
            </td>
            <td class="number">{format.size(placement.sizeBytes)}</td>
            <td class={placement.holders < 2 ? 'warn' : 'good'}>
              {placement.holders < 2
                ? t.copies.atRisk(format.number(placement.holders))
                : format.number(placement.holders)}
            </td>
            <CopyCell placement={placement} healthOf={healthOf} />
            <NotCopiedCell placement={placement} />
          </tr>
        ))}
      </Table>
      {report.more && <p class="quiet">{t.copies.more}</p>}
    </>
  );
}

/** Nothing if the site is up. */
function SiteTrouble({ health }: { readonly health: SiteHealth | undefined }) {
  const { t, format } = useTranslation();
  if (!health || health.state === 'up') return null;
  const { state, since } = health;
  return (
    <span class={SITE_COLOURS[state]}>
      {' '}
      ({t.admin.states[state]}
      {since && ` ${t.common.since(format.timeOrDate(since, Date.now()))}`})
    </span>
  );
}

function CopyCell({
  placement,
  healthOf,
}: { readonly placement: Placement } & Pick<PlacementsProps, 'healthOf'>) {
  const { t, format } = useTranslation();
  const { copies, damage = [] } = placement;
  if (copies.length === 0 && damage.length === 0) return <td class="quiet empty-cell">{t.common.none}</td>;
  const isUp = (site: string): boolean => healthOf(site)?.state === 'up';
  return (
    <td>
      {copies.map(({ site, state, endsAt, ...reason }) => (
        <div key={site.id}>
          {site.name}:{' '}
          <span class={state === 'complete' && !isUp(site.id) ? 'warn' : COLOURS[state]}>
            {t.copies.states[state]}
          </span>
          <SiteTrouble health={healthOf(site.id)} /> ·{' '}
          <span class="quiet">
            {endsAt ? t.copies.deletedAt(format.dateTime(endsAt)) : formatPlacementReason(reason, t)}
          </span>
        </div>
      ))}
      {damage.map(({ site, repair, foundAt, detail }) => (
        <div key={`damage ${site.id}`} class="bad" title={detail} data-testid="damage">
          {site.name}: {t.copies.damage[repair](format.timeOrDate(foundAt, Date.now()))}
        </div>
      ))}
    </td>
  );
}

function NotCopiedCell({ placement: { refused, unmet } }: { readonly placement: Placement }) {
  const { t } = useTranslation();
  if (refused.length === 0 && unmet.length === 0) return <td class="quiet empty-cell">{t.common.none}</td>;
  return (
    <td class="warn">
      {unmet.map(reason => (
        <div key={reason.code}>{formatPlacementReason(reason, t)}</div>
      ))}
      {refused.map(({ site, ...reason }) => (
        <div key={site.id}>
          {site.name}: {formatPlacementReason(reason, t)}
        </div>
      ))}
    </td>
  );
}
