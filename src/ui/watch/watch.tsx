/** The watch page: the video, the site that serves it, and the reasons for the order of sites. */
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Video } from '../../protocol/central.ts';
import type { Source } from '../../protocol/tracker.ts';
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
import { Player } from '../player/player.tsx';
import type { PlayerControls } from '../player/player-props.ts';
import { addTime, parseTime } from '../player/resume/time-address.ts';
import { formatQuery } from '../stream/play-response.ts';
import { PlaybackProblem } from '../stream/playback-problem.tsx';
import { type Stream, useStream } from '../stream/use-stream.ts';
import { useNextInSeries } from './next-in-series/use-next-in-series.ts';
import { formatLink, grant } from './private-links/grant.ts';
import { PrivateLinks } from './private-links/private-links.tsx';
import { SidePanel } from './side-panel.tsx';
import { Sources } from './sources.tsx';
import { useViewing } from './use-viewing.ts';
import { VideoAbout } from './video-about.tsx';
import { VideoActions } from './video-actions.tsx';
import { VideoFacts } from './video-facts.tsx';
import { chooseWatchError, isWithdrawn } from './watch-error.ts';

const REFRESH_VIDEO_MS = 20_000;
const REFRESH_UNREGISTERED_MS = 1_000;

const videoId = decodeURIComponent(location.pathname.split('/').filter(Boolean).at(-1) ?? '');
const parameters = new URLSearchParams(location.search);
const client = parameters.get('client') ?? undefined;
const startMs = parseTime(parameters.get('t') ?? '');
/** Copied links contain the grant, and neither the language nor the simulated viewer. */
const link = grant === undefined ? location.origin + location.pathname : formatLink(grant);

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
  const viewing = useViewing(video.value, token);
  const viewer = useMemo(() => ({ client, grant: viewing.grant }), [viewing.grant]);
  const stream = useStream(videoId, viewer, viewing.isWaiting);
  const { play, playback, info } = stream;
  const name = video.value?.name ?? play.value?.name;
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
      {error !== undefined && <WatchError error={error} retry={play.refresh} />}
      {withdrawn && <Withdrawn />}
      {video.value && <NotYetPublished video={video.value} />}
      <BlockedSites sites={stream.blocked} isOnlyChoice={stream.blocked.length === stream.sources?.length} />
      {!withdrawn && (!isPermanent(error) || playback.url) && (
        <Viewing video={video.value} name={name} stream={stream} grant={viewing.grant}>
          {video.value && video.value.audience !== 'public' && mayGrant && (
            <PrivateLinks video={videoId} token={token} />
          )}
          {grant !== undefined && <LinkToCopy link={formatLink(grant)} />}
        </Viewing>
      )}
    </Page>
  );
}

interface ViewingProps {
  readonly video: Video | undefined;
  readonly name: string | undefined;
  readonly stream: Stream;
  readonly grant: string | undefined;
  readonly children: ComponentChildren;
}

/** The player and everything around it. */
function Viewing({ video, name, stream, grant: granted, children }: ViewingProps) {
  const { playback, info } = stream;
  const controls = useRef<PlayerControls | undefined>(undefined);
  const [positionMs, setPositionMs] = useState(0);
  const { next, title } = useNextInSeries(video);
  const seek = (ms: number): void => {
    controls.current?.seek(ms);
    controls.current?.play();
  };
  return (
    <div class="watch">
      <div class="watch-main stack">
        <div class="watch-player">
          <Player
            {...stream.player}
            video={videoId}
            name={name ?? ''}
            language={video?.language}
            artist={video?.people?.map(person => person.name).join(', ') || video?.site.name}
            durationMs={video?.durationMs}
            chapters={video?.chapters}
            pictures={video?.pictures}
            startMs={startMs}
            linkAt={ms => addTime(link, ms)}
            next={next}
            controls={controls}
            onTime={setPositionMs}
          />
          <PlaybackProblem
            failure={playback.failure}
            codecs={video?.codecs ?? []}
            url={stream.play.value?.hls}
            onRetry={playback.retry}
          />
        </div>
        <WatchTitle video={video} name={name} />
        {video && (
          <VideoActions
            video={video}
            tracker={info.value?.trackers[0]}
            grant={granted}
            link={link}
            next={next}
            readPositionMs={() => controls.current?.currentMs() ?? 0}
          />
        )}
        {video && <VideoAbout video={video} seriesTitle={title} onSeek={seek} />}
        {children}
      </div>
      <div class="watch-side stack">
        {video && (
          <SidePanel video={video} revisionUrl={stream.revisionUrl} positionMs={positionMs} onSeek={seek} />
        )}
        <Sources
          sources={stream.sources}
          servingSite={stream.servingSite}
          isNative={playback.isNative}
          stats={stream.stats}
          switches={stream.switches}
        />
        {info.value && info.value.demoViewers.length > 0 && <ViewerSelect info={info.value} />}
        {video && <VideoFacts video={video} />}
      </div>
    </div>
  );
}

/** Those who may edit a video see it before its time. */
function NotYetPublished({ video }: { readonly video: Video }) {
  const { t, format } = useTranslation();
  if (video.publishAt === undefined || Date.parse(video.publishAt) <= Date.now()) return null;
  return (
    <Notice kind="hint" testId="not-yet-published">
      {t.watch.notYetPublished(format.dateTime(video.publishAt))}
    </Notice>
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

function Withdrawn() {
  const { t } = useTranslation();
  return (
    <Notice kind="error" testId="withdrawn">
      <p>{t.problems['video-withdrawn']}</p>
      <a href="/">{t.watch.back}</a>
    </Notice>
  );
}

interface BlockedSitesProps {
  readonly sites: readonly Source[];
  readonly isOnlyChoice: boolean;
}

function BlockedSites({ sites, isOnlyChoice }: BlockedSitesProps) {
  const { t, format } = useTranslation();
  if (sites.length === 0) return null;
  const names = format.list(sites.map(({ name }) => name));
  return (
    <Notice kind={isOnlyChoice ? 'error' : 'hint'} testId="blocked-sites">
      <p>{t.watch.blockedSites(names, sites.length)}</p>
      {isOnlyChoice && <p>{t.watch.blockedOnly}</p>}
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
