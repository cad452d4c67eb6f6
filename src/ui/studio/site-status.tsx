/** The state of the site, and a warning if its conversion of uploaded files is unsafe. */
import type { SiteInfo } from '../../protocol/site.ts';
import { Notice, ProblemText } from '../components/notice.tsx';
import { centralHealth } from '../health/health.ts';
import { useTranslation } from '../i18n/use-translation.tsx';

interface SiteStatusProps {
  readonly site: SiteInfo | undefined;
  readonly isUnreachable: boolean;
}

export function SiteStatus({ site, isUnreachable }: SiteStatusProps) {
  const { t, format } = useTranslation();
  const { siteStatus } = t.studio;
  if (isUnreachable) {
    return (
      <p class="row quiet" data-testid="status" role="status">
        <span class="state bad">{siteStatus.unreachable}</span>
      </p>
    );
  }
  if (!site) return <p class="quiet">{t.common.loading}</p>;
  const isSignalSent = site.signal === 'sent';
  const { state, since } = centralHealth(site);
  const { damaged = 0, repaired = 0 } = site.fileChecks ?? {};
  return (
    <p
      class="row quiet"
      data-testid="status"
      data-joined={String(site.joined)}
      data-signal={site.signal}
      data-unpublished={site.unpublished}
    >
      <span class={`state ${state === 'connected' ? 'good' : 'warn'}`} data-central={state}>
        {state === 'connected'
          ? siteStatus.connected
          : state === 'not-joined'
            ? siteStatus.notJoined
            : siteStatus.centralUnreachable(since && format.timeOrDate(since, Date.now()))}
      </span>
      {isSignalSent && site.unpublished === 0 && <span>{siteStatus.allPublished}</span>}
      {!isSignalSent && <span>{siteStatus.signalNotSent}</span>}
      {site.unpublished > 0 && <span>{siteStatus.unpublished(site.unpublished)}</span>}
      <span>{siteStatus.free(format.size(site.freeBytes))}</span>
      {damaged > 0 && <span class="state bad">{siteStatus.damaged(damaged)}</span>}
      {repaired > 0 && <span>{siteStatus.repaired(repaired)}</span>}
    </p>
  );
}

/** Shown if another process runs with the key of this site, so that this one publishes nothing. */
export function CloneNotice({ stoppedBecause }: Pick<SiteInfo, 'stoppedBecause'>) {
  if (stoppedBecause === undefined) return null;
  return (
    <Notice kind="error" testId="clone">
      <p>
        <ProblemText code="site-cloned" detail={stoppedBecause} />
      </p>
    </Notice>
  );
}

/** Nothing if the site has joined central, is about to join, or works by itself. */
export function JoinNotice({ joinProblem }: Pick<SiteInfo, 'joinProblem'>) {
  return joinProblem ? (
    <Notice kind="error" testId="join-problem">
      <p>
        <ProblemText code={joinProblem.code} detail={joinProblem.detail} />
      </p>
    </Notice>
  ) : null;
}

/** Nothing if ffmpeg is present, sandboxed and limited. */
export function ConversionNotice({ conversion }: Pick<SiteInfo, 'conversion'>) {
  const { t } = useTranslation();
  const { missing, notIsolated, noLimits } = t.studio.conversion;
  const warning = !conversion
    ? missing
    : conversion.isolation === 'none'
      ? notIsolated
      : conversion.hasLimits
        ? undefined
        : noLimits;
  return warning ? (
    <Notice kind="hint" testId="conversion">
      <p>{warning}</p>
    </Notice>
  ) : null;
}
