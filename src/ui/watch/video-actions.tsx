/** Below the title: share, download, and the next video of the series. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Video } from '../../protocol/central.ts';
import { useTranslation } from '../i18n/use-translation.tsx';
import type { NextVideo } from '../player/player-props.ts';
import { formatQuery } from '../stream/play-response.ts';

interface VideoActionsProps {
  readonly video: Video;
  readonly tracker: string | undefined;
  readonly grant: string | undefined;
  /** The address of this page, as viewers share it. */
  readonly link: string;
  readonly next: NextVideo | undefined;
  readonly readPositionMs: () => number;
}

export function VideoActions({ video, tracker, grant, link, next, readPositionMs }: VideoActionsProps) {
  const { t } = useTranslation();
  const [sharedMs, setSharedMs] = useState<number>();
  const { page } = t.watch;
  return (
    <div class="row watch-actions">
      <button type="button" onClick={() => setSharedMs(readPositionMs())} data-testid="open-share">
        {t.share.open}
      </button>
      {tracker !== undefined && <Downloads video={video} tracker={tracker} grant={grant} />}
      {next && (
        <a class="button" href={next.href} data-testid="next-in-series">
          {page.next} <span dir="auto">{next.name}</span>
        </a>
      )}
      {sharedMs !== undefined && (
        <LazyShareDialog
          video={video.id}
          name={video.name}
          link={link}
          atMs={sharedMs}
          size={{ width: video.width ?? 0, height: video.height ?? 0 }}
          isPublic={video.audience === 'public'}
          onClose={() => setSharedMs(undefined)}
        />
      )}
    </div>
  );
}

interface DownloadsProps {
  readonly video: Video;
  readonly tracker: string;
  readonly grant: string | undefined;
}

function Downloads({ video, tracker, grant }: DownloadsProps) {
  const { t, format } = useTranslation();
  const { id, downloads = 'none', renditions, sizeBytes, durationMs } = video;
  if (downloads === 'none') return null;
  const addressOf = (rendition?: string): string =>
    `${tracker}/download/${encodeURIComponent(id)}${formatQuery({ rendition, grant })}`;
  const sizeOf = (bps: number): string => format.size((bps * durationMs) / 8_000);
  return (
    <details class="downloads">
      <summary class="button" data-testid="open-downloads">
        {t.watch.page.download}
      </summary>
      <ul data-testid="downloads">
        <li>
          <a href={addressOf()} download>
            {t.watch.page.source} <span class="quiet">{format.size(sizeBytes)}</span>
          </a>
        </li>
        {downloads === 'renditions' &&
          renditions.map(
            rendition =>
              rendition.kind === 'video' && (
                <li key={rendition.id}>
                  <a href={addressOf(rendition.id)} download>
                    {Math.min(rendition.width, rendition.height)}p MP4{' '}
                    <span class="quiet">{sizeOf(rendition.averageBandwidthBps)}</span>
                  </a>
                </li>
              ),
          )}
      </ul>
    </details>
  );
}

type ShareProps = Parameters<typeof import('./share/share-dialog.tsx')['ShareDialog']>[0];

function LazyShareDialog(props: ShareProps) {
  const [loaded, setLoaded] = useState<{ readonly ShareDialog: ComponentType<ShareProps> }>();
  useEffect(() => {
    import('./share/share-dialog.tsx').then(({ ShareDialog }) => setLoaded({ ShareDialog }), reportError);
  }, []);
  return loaded ? <loaded.ShareDialog {...props} /> : null;
}
