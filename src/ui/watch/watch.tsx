/** The watch page: the video, the site that serves it, and the reasons for the order of sites. */
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Video } from '../../protocol/central.ts';
import type { PlayResponse, Source } from '../../protocol/tracker.ts';
import { ApiError, isPermanent } from '../api/api-error.ts';
import { call } from '../api/call.ts';
import type { CentralInfo } from '../api/central-info.ts';
import { usePoll } from '../api/use-poll.ts';
import { AudienceBadge } from '../components/audience/audience-badge.tsx';
import { useGroupNames } from '../components/audience/use-group-names.ts';
import { ErrorNotice, Notice } from '../components/notice.tsx';
import { useForgetRefused } from '../components/operator-token.tsx';
import { Page, useCentralNavigation } from '../components/page.tsx';
import { formatError } from '../i18n/error-text.ts';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useMe } from '../me/use-me.tsx';
import type { PlaybackStats } from '../player/hls/playback.ts';
import type { PlaybackFailure } from '../player/hls/playback-errors.ts';
import { Player } from '../player/player.tsx';
import { useBeacon } from './beacon/use-beacon.ts';
import { fetchPlayResponse, formatQuery } from './play-response.ts';
import { formatLink, grant } from './private-links/grant.ts';
import { PrivateLinks } from './private-links/private-links.tsx';
import { addSources, findServingSite, listSwitches, NOT_SERVING, recordServed } from './site-switches.ts';
import { Sources } from './sources.tsx';
import { useBlockedSites } from './use-blocked-sites.ts';
import { usePlayback } from './use-playback.ts';
import { useViewing } from './use-viewing.ts';
import { VideoFacts } from './video-facts.tsx';
import { chooseWatchError, isWithdrawn } from './watch-error.ts';

const REFRESH_RANKING_MS = 5_000;
const REFRESH_VIDEO_MS = 20_000;
const REFRESH_UNREGISTERED_MS = 1_000;
const REFRESH_INFO_MS = 60_000;
const REFRESH_WITHOUT_TRACKER_MS = 3_000;

const videoId = decodeURIComponent(location.pathname.split('/').filter(Boolean).at(-1) ?? '');
const client = new URLSearchParams(location.search).get('client') ?? undefined;

export function Watch() {
  const { t } = useTranslation();
  const navigation = useCentralNavigation();
  const { token, isAllowed } = useMe();
  const video = usePoll(
    `video ${token ?? ''}`,
    abort =>
      call<Video>(`/api/videos/${encodeURIComponent(videoId)}${formatQuery({ grant })}`, { token, abort }),
    found => (found.state === 'registered' ? REFRESH_VIDEO_MS : REFRESH_UNREGISTERED_MS),
  );
  useForgetRefused(video.error);
  const info = usePoll(
    'info',
    abort => call<CentralInfo>('/api/info', { abort }),
    found => (found.trackers.length > 0 ? REFRESH_INFO_MS : REFRESH_WITHOUT_TRACKER_MS),
  );
  const viewing = useViewing(video.value, token);
  const viewer = useMemo(() => ({ client, grant: viewing.grant }), [viewing.grant]);
  const play = usePlayResponse(info.value?.trackers, viewer, viewing.isWaiting);
  const playback = usePlayback(play.value?.hls);
  const [priority, setPriority] = useState<readonly string[]>();
  const blocked = useBlockedSites(play.value?.sources);
  const onSegment = useBeacon(play.value, viewer, blocked, setPriority);
  const [serving, setServing] = useState(NOT_SERVING);
  const [stats, setStats] = useState<PlaybackStats>();
  const sources = play.value?.sources;
  useEffect(() => {
    if (sources) setServing(before => addSources(before, sources));
  }, [sources]);
  const onServed = useCallback((host: string) => {
    setServing(before => recordServed(before, host, Date.now()));
  }, []);
  const revisionUrl = useRevisionUrl(play.value);

  const name = video.value?.name ?? play.value?.name;
  const servingSite = findServingSite(serving);
  const errors = { video: video.error ?? viewing.error, info: info.error, play: play.error };
  const withdrawn = isWithdrawn(errors, video.value?.state);
  // Until central has responded, nobody knows whether this viewer gets a grant.
  const isUndecided = viewing.isWaiting || (video.value === undefined && video.error === undefined);
  const error = withdrawn || isUndecided ? undefined : chooseWatchError(errors, playback.url !== undefined);
  useEffect(() => {
    // The person's rights have changed. Central decides again.
    if (grant === undefined && isGrantEnded(play.error)) viewing.renew();
  }, [play.error, viewing.renew]);
  const mayGrant = video.value !== undefined && isAllowed('grant-links', targetOf(video.value));
  return (
    <Page title={name ?? t.watch.title} home="/" links={navigation}>
      <WatchTitle video={video.value} name={name} />
      {error !== undefined && <WatchError error={error} retry={play.refresh} />}
      {withdrawn && <Withdrawn />}
      {playback.failure && !withdrawn && (
        <PlaybackFailureNotice failure={playback.failure} url={play.value?.hls} />
      )}
      {!withdrawn && (!isPermanent(error) || playback.url) && (
        <div class="watch">
          <div>
            <Player
              url={playback.url}
              attempt={playback.attempt}
              sourceCount={sources?.length ?? 1}
              name={name ?? ''}
              siteId={servingSite}
              revisionUrl={revisionUrl}
              pictures={video.value?.pictures}
              onServed={onServed}
              onNative={playback.onNative}
              onSegment={onSegment}
              priority={priority}
              onFatal={playback.onFatal}
              onStats={setStats}
            />
          </div>
          <div class="watch-side stack">
            <BlockedSites sites={blocked} />
            {info.value && info.value.demoViewers.length > 0 && <ViewerSelect info={info.value} />}
            <Sources
              sources={sources}
              servingSite={servingSite}
              isNative={playback.isNative}
              stats={playback.url ? stats : undefined}
              switches={listSwitches(serving)}
            />
          </div>
          {video.value && video.value.audience !== 'public' && mayGrant && (
            <PrivateLinks video={videoId} token={token} />
          )}
          {grant !== undefined && <LinkToCopy link={formatLink(grant)} />}
          {video.value && <VideoFacts video={video.value} />}
        </div>
      )}
    </Page>
  );
}

function WatchTitle({
  video,
  name,
}: {
  readonly video: Video | undefined;
  readonly name: string | undefined;
}) {
  const { t } = useTranslation();
  const groups = useGroupNames(video?.audience === 'groups');
  return (
    <div class="watch-title">
      <h1 dir="auto" lang={video?.language}>
        {name ?? t.watch.title}
      </h1>
      {video && <AudienceBadge audience={video.audience} groups={video.groups} names={groups} />}
    </div>
  );
}

/** The link that this page was opened with. The address bar does not contain the grant, so a copy of that would not work. */
function LinkToCopy({ link }: { readonly link: string }) {
  const { t } = useTranslation();
  return (
    <p class="field">
      <label for="this-link">{t.links.thisLink}</label>
      <input
        id="this-link"
        data-testid="this-link"
        value={link}
        readOnly
        onFocus={event => event.currentTarget.select()}
      />
    </p>
  );
}

const isGrantEnded = (error: unknown): boolean =>
  error instanceof ApiError && ['grant-revoked', 'grant-expired'].includes(error.code);

const targetOf = ({ site, series, owner }: Video) => ({
  site: site.id,
  series: series?.id,
  owner: owner?.id,
});

/** @param isWaiting the trackers are not asked yet */
function usePlayResponse(
  trackers: readonly string[] | undefined,
  viewer: { readonly client: string | undefined; readonly grant: string | undefined },
  isWaiting: boolean,
) {
  /** One viewing is one session, however often the ranking is refreshed. */
  const session = useRef<string | undefined>(undefined);
  return usePoll(
    trackers && !isWaiting ? `${trackers.join(' ')} ${viewer.grant ?? ''}` : '',
    async abort => {
      if (!trackers || isWaiting) return undefined;
      const query = { ...viewer, session: session.current };
      const found = await fetchPlayResponse(trackers, videoId, query, abort);
      session.current = found.session;
      return found;
    },
    () => REFRESH_RANKING_MS,
  );
}

/** The base URL of a revision's images. It is kept while the revision is the same: a new order of sites does not reload them. */
function useRevisionUrl(play: PlayResponse | undefined): string | undefined {
  const kept = useRef<{ readonly revision: string; readonly url: string } | undefined>(undefined);
  const [best] = play?.sources ?? [];
  if (play && best && kept.current?.revision !== play.revision)
    kept.current = { revision: play.revision, url: new URL('.', best.hls).href };
  return kept.current?.url;
}

function WatchError({ error, retry }: { readonly error: unknown; readonly retry: () => void }) {
  const { t, language } = useTranslation();
  const { me, signInAddress } = useMe();
  if (!isPermanent(error)) return <ErrorNotice error={error} retry={retry} />;
  // The same for every id, so that the page does not reveal which videos exist.
  const maySignIn = me?.via === null && error instanceof ApiError && error.code === 'video-unknown';
  return (
    <Notice kind="error" testId="error">
      <p>{formatError(error, language, t)}</p>
      {maySignIn && <p>{t.watch.maybeSignIn}</p>}
      <p class="row">
        {maySignIn && (
          <a class="button primary" href={signInAddress()} data-testid="sign-in-to-watch">
            {t.me.signIn}
          </a>
        )}
        <a href="/">{t.watch.back}</a>
      </p>
    </Notice>
  );
}

interface PlaybackFailureProps {
  readonly failure: PlaybackFailure;
  readonly url: string | undefined;
}

function PlaybackFailureNotice({ failure, url }: PlaybackFailureProps) {
  const { t } = useTranslation();
  if (failure === 'no-site') return <Notice kind="hint">{t.watch.interrupted}</Notice>;
  return (
    <Notice kind="error" testId="unplayable">
      <p>{failure === 'unsupported' ? t.watch.unsupported : t.watch.unplayable}</p>
      <p>
        {t.watch.unplayableHint} <code>{url}</code>
      </p>
    </Notice>
  );
}

function Withdrawn() {
  const { t } = useTranslation();
  return (
    <Notice kind="error" testId="withdrawn">
      <p>{t.problems['video-withdrawn']}</p>
      <a href="/">{t.watch.back}</a>
    </Notice>
  );
}

function BlockedSites({ sites }: { readonly sites: readonly Source[] }) {
  const { t, format } = useTranslation();
  if (sites.length === 0) return null;
  return (
    <Notice kind="hint" testId="blocked-sites">
      {t.watch.blockedSites(format.list(sites.map(({ name }) => name)), sites.length)}
    </Notice>
  );
}

/** The demo offers viewers in other cities. */
function ViewerSelect({ info }: { readonly info: CentralInfo }) {
  const { t } = useTranslation();
  return (
    <section class="panel">
      <div class="field">
        <label for="viewer">{t.watch.watchAs}</label>
        <select
          id="viewer"
          value={client ?? ''}
          onChange={event => {
            const url = new URL(location.href);
            if (event.currentTarget.value) url.searchParams.set('client', event.currentTarget.value);
            else url.searchParams.delete('client');
            location.assign(url);
          }}
        >
          <option value="">{t.watch.watchAsHere}</option>
          {info.demoViewers.map(viewer => (
            <option key={viewer.address} value={viewer.address}>
              {viewer.name}
            </option>
          ))}
        </select>
      </div>
    </section>
  );
}
