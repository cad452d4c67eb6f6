/** What people say about the video: its description, who made it, its series, tags, date and licence. */
import type { ComponentChildren } from 'preact';
import type { Video } from '../../protocol/central.ts';
import { useTranslation } from '../i18n/use-translation.tsx';
import { splitTimes } from '../player/resume/time-address.ts';

interface VideoAboutProps {
  readonly video: Video;
  readonly seriesTitle: string | undefined;
  readonly onSeek: (ms: number) => void;
}

export function VideoAbout({ video, seriesTitle, onSeek }: VideoAboutProps) {
  const { t, format } = useTranslation();
  const { about } = t.watch.page;
  const { people = [], tags = [], series, licence, recordedAt, language } = video;
  return (
    <section class="panel" aria-labelledby="about">
      <h2 id="about">{t.watch.about}</h2>
      {video.description && <Description video={video} onSeek={onSeek} />}
      <dl class="facts" data-testid="about">
        {people.length > 0 && (
          <Row term={about.people}>
            <ul class="plain-list">
              {people.map(({ name, role }) => (
                <li key={`${name} ${role ?? ''}`}>
                  <a href={`/person?name=${encodeURIComponent(name)}`} dir="auto">
                    {name}
                  </a>
                  {role !== undefined && (
                    <span class="quiet" dir="auto" lang={language}>
                      {' '}
                      · {role}
                    </span>
                  )}
                </li>
              ))}
            </ul>
          </Row>
        )}
        {series && (
          <Row term={about.series}>
            <a href={`/series/${encodeURIComponent(series.id)}`} dir="auto">
              {seriesTitle ?? series.id}
            </a>
            {series.position !== undefined && <span class="quiet"> · {format.number(series.position)}</span>}
          </Row>
        )}
        {recordedAt !== undefined && <Row term={about.recorded}>{format.date(recordedAt)}</Row>}
        <Row term={t.watch.facts.published}>{format.date(video.publishedAt)}</Row>
        {licence !== undefined && (
          <Row term={about.licence}>
            <span dir="auto">{licence}</span>
          </Row>
        )}
        {tags.length > 0 && (
          <Row term={about.tags}>
            <ul class="tag-list">
              {tags.map(tag => (
                <li key={tag}>
                  <a href={`/search?tag=${encodeURIComponent(tag)}`} dir="auto">
                    {tag}
                  </a>
                </li>
              ))}
            </ul>
          </Row>
        )}
      </dl>
    </section>
  );
}

const Row = ({ term, children }: { readonly term: string; readonly children: ComponentChildren }) => (
  <div>
    <dt>{term}</dt>
    <dd>{children}</dd>
  </div>
);

/** A time in the text leads to its moment. */
function Description({ video, onSeek }: Pick<VideoAboutProps, 'video' | 'onSeek'>) {
  return (
    <p class="description" dir="auto" lang={video.language} data-testid="description">
      {splitTimes(video.description, video.durationMs).map(({ text, ms }, at) =>
        ms === undefined ? (
          text
        ) : (
          <button key={`${at} ${text}`} type="button" class="link" onClick={() => onSeek(ms)}>
            {text}
          </button>
        ),
      )}
    </p>
  );
}
