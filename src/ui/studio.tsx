/** The studio: upload, see every step until the video is registered, edit, withdraw. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { SiteInfo, SiteVideo } from '../protocol/site.ts';
import { ApiError, call, messageOf } from './api.ts';
import { formatSize } from './format.ts';
import { t } from './i18n.ts';
import { Failure, mount, Shell, useRepeating } from './shell.tsx';
import { TransferRow, VideoRow } from './studio-rows.tsx';
import { readToken, TokenForm } from './token.tsx';
import { createUploads, type Transfer } from './uploads.ts';

const BUSY_MS = 700;
const CALM_MS = 5_000;

const isUnfinished = (video: SiteVideo): boolean =>
  video.state === 'uploading' ||
  video.state === 'checking' ||
  video.state === 'preparing' ||
  (video.state === 'ready' && !video.registered);

function Studio() {
  const [token, setToken] = useState(readToken);
  const [site, setSite] = useState<SiteInfo>();
  const [videos, setVideos] = useState<readonly SiteVideo[]>();
  const [transfers, setTransfers] = useState<readonly Transfer[]>([]);
  const [failure, setFailure] = useState<string>();
  const [round, setRound] = useState(0);
  const uploads = useMemo(() => createUploads(() => token, setTransfers), [token]);

  useRepeating(async () => {
    try {
      const info = await call<SiteInfo>('/api/site', { token });
      setSite(info);
      if (info.tokenNeeded) return CALM_MS;
      const list = await call<{ videos: SiteVideo[] }>('/api/videos', { token });
      setVideos(list.videos);
      setFailure(undefined);
      return transfers.length > 0 || list.videos.some(isUnfinished) ? BUSY_MS : CALM_MS;
    } catch (error) {
      setFailure(error instanceof ApiError ? error.message : messageOf(error));
      return CALM_MS;
    }
  }, [token, round, transfers.length]);

  const addFiles = (files: Iterable<File>): void => {
    const tooLarge: string[] = [];
    for (const file of files) {
      if (site && file.size > site.maxUploadBytes)
        tooLarge.push(t('tooLarge', { name: file.name, size: formatSize(site.maxUploadBytes) }));
      else uploads.add(file);
    }
    setFailure(tooLarge.length > 0 ? tooLarge.join(' ') : undefined);
  };
  const act = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      setFailure(messageOf(error));
    }
    setRound(number => number + 1);
  };
  const sending = new Set(transfers.flatMap(transfer => transfer.videoId ?? []));

  return (
    <Shell
      title={`${t('studio')} · ${site?.name ?? ''}`}
      links={[
        { href: '/', text: t('studio'), current: true },
        ...(site?.centralUrl ? [{ href: site.centralUrl, text: t('catalogue') }] : []),
      ]}
    >
      <div>
        <h1>{site?.name ?? t('studio')}</h1>
        {site && <StatusLine site={site} />}
      </div>
      {failure && <Failure text={failure} />}
      {site?.tokenNeeded ? (
        <TokenForm onToken={setToken} />
      ) : (
        <>
          <DropZone onFiles={addFiles} limit={site ? formatSize(site.maxUploadBytes) : ''} />
          <ul class="videos" data-testid="videos">
            {transfers.map(transfer => (
              <TransferRow key={transfer.key} transfer={transfer} uploads={uploads} />
            ))}
            {videos
              ?.filter(video => !sending.has(video.id))
              .map(video => (
                <VideoRow
                  key={video.id}
                  video={video}
                  centralUrl={site?.centralUrl}
                  onEdit={change =>
                    act(() => call(`/api/videos/${video.id}`, { method: 'PATCH', body: change, token }))
                  }
                  onWithdraw={() => act(() => call(`/api/videos/${video.id}`, { method: 'DELETE', token }))}
                />
              ))}
          </ul>
          {videos?.length === 0 && transfers.length === 0 && <p class="quiet">{t('noUploads')}</p>}
        </>
      )}
    </Shell>
  );
}

const StatusLine = ({ site }: { readonly site: SiteInfo }) => (
  <p class="row quiet" data-testid="status">
    <span class={`state ${site.joined ? 'good' : 'warn'}`}>{site.joined ? t('joined') : t('notJoined')}</span>
    <span>{t('signalFlag', { flag: site.signal })}</span>
    <span>{t('unpublished', { n: site.unpublished })}</span>
    <span>{t('free', { size: formatSize(site.freeBytes) })}</span>
  </p>
);

/** Files may be dropped anywhere on the page. */
function DropZone({
  onFiles,
  limit,
}: {
  readonly onFiles: (files: Iterable<File>) => void;
  readonly limit: string;
}) {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const drag = (event: DragEvent): void => {
      event.preventDefault();
      setOver(event.type === 'dragover');
      if (event.type === 'drop' && event.dataTransfer) onFiles(event.dataTransfer.files);
    };
    const kinds = ['dragover', 'dragleave', 'drop'] as const;
    for (const kind of kinds) window.addEventListener(kind, drag);
    return () => {
      for (const kind of kinds) window.removeEventListener(kind, drag);
    };
  });
  return (
    <section class={over ? 'drop over' : 'drop'} data-testid="drop">
      <h2>{t('dropHere')}</h2>
      <p class="quiet">{t('or')}</p>
      <label class="button main" for="file">
        {t('choose')}
      </label>
      <input
        id="file"
        class="unseen"
        type="file"
        multiple
        onChange={event => {
          onFiles([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = '';
        }}
      />
      <p class="quiet">{t('limit', { size: limit })}</p>
    </section>
  );
}

mount(<Studio />);
