/** The sites that store copies: region, usage, next evictions. An operator can mark one as lost. */
import { useState } from 'preact/hooks';
import type { CopyReport } from '../../../protocol/copies.ts';
import { Confirm } from '../../components/dialog.tsx';
import { Table } from '../../components/table.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { formatPlacementReason } from './placement-reason.ts';

type CopySite = CopyReport['sites'][number];
const EVICTIONS_SHOWN = 3;

interface CopySitesProps {
  readonly report: CopyReport;
  readonly onRegion: (site: CopySite, region: string) => void;
  readonly onLost: (site: CopySite) => void;
}

export function CopySites({ report, onRegion, onLost }: CopySitesProps) {
  const { t, format } = useTranslation();
  const [losing, setLosing] = useState<CopySite>();
  if (report.sites.length === 0) return <p class="quiet">{t.admin.noneJoined}</p>;
  const { site: name, region, held, next, actions } = t.copies.columns;
  return (
    <>
      <Table testId="copy-sites" label={t.copies.sites} columns={[name, region, held, next, actions]}>
        {report.sites.map(site => (
          <tr key={site.id} data-site={site.id}>
            <th scope="row">{site.name}</th>
            <td>
              <Region site={site} onRegion={onRegion} />
            </td>
            <td>
              {t.copies.held(site.copies, format.size(site.bytes))}
              {site.limitBytes !== undefined && (
                <div class="quiet">{t.copies.limit(format.size(site.limitBytes))}</div>
              )}
            </td>
            <td>
              {site.nextEvictions.length === 0 && <span class="quiet">{t.common.none}</span>}
              {site.nextEvictions.slice(0, EVICTIONS_SHOWN).map(({ video, name: title, ...reason }) => (
                <div key={video}>
                  {title} <span class="quiet">{formatPlacementReason(reason, t)}</span>
                </div>
              ))}
            </td>
            <td>
              <button
                type="button"
                class="plain small"
                data-testid="site-lost"
                onClick={() => setLosing(site)}
              >
                {t.copies.lost}
              </button>
            </td>
          </tr>
        ))}
      </Table>
      {losing && (
        <Confirm
          title={t.copies.lostTitle(losing.name)}
          text={t.copies.lostText}
          yes={t.copies.lost}
          no={t.common.cancel}
          onYes={() => {
            onLost(losing);
            setLosing(undefined);
          }}
          onNo={() => setLosing(undefined)}
        />
      )}
    </>
  );
}

function Region({ site, onRegion }: { readonly site: CopySite } & Pick<CopySitesProps, 'onRegion'>) {
  const { t } = useTranslation();
  const [text, setText] = useState(site.region ?? '');
  return (
    <form
      class="actions"
      onSubmit={event => {
        event.preventDefault();
        onRegion(site, text.trim());
      }}
    >
      <input
        class="narrow"
        aria-label={t.copies.regionOf(site.name)}
        value={text}
        maxLength={60}
        data-testid="region"
        onInput={event => setText(event.currentTarget.value)}
      />
      {text.trim() !== (site.region ?? '') && (
        <button type="submit" class="small">
          {t.common.save}
        </button>
      )}
    </form>
  );
}
