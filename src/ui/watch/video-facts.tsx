/** The record of a video at central, and the sites that store it. */
import type { ComponentChildren } from 'preact';
import type { Video } from '../../protocol/central.ts';
import { formatClock } from '../i18n/format.ts';
import { useTranslation } from '../i18n/use-translation.tsx';

interface FactProps {
  readonly term: string;
  readonly children: ComponentChildren;
  readonly isWide?: boolean;
}

const Fact = ({ term, children, isWide }: FactProps) => (
  <div class={isWide ? 'full-width' : ''}>
    <dt>{term}</dt>
    <dd>{children}</dd>
  </div>
);

export function VideoFacts({ video }: { readonly video: Video }) {
  const { t, format } = useTranslation();
  const { facts } = t.watch;
  return (
    <details class="panel">
      <summary>{t.watch.page.technical}</summary>
      <dl class="facts" data-testid="facts">
        <Fact term={facts.site}>{video.site.name}</Fact>
        <Fact term={facts.duration}>{formatClock(video.durationMs)}</Fact>
        <Fact term={facts.size}>{format.size(video.sizeBytes)}</Fact>
        <Fact term={facts.bitrate}>{format.bitrate(video.bitrateBps)}</Fact>
        {video.width && video.height && (
          <Fact term={facts.resolution}>
            {video.width} × {video.height}
          </Fact>
        )}
        <Fact term={facts.codecs}>{video.codecs.join(', ')}</Fact>
        <Fact term={facts.sourceAddress}>
          <code>{video.sourceAddress}</code>
        </Fact>
        <Fact term={facts.published}>{format.dateTime(video.publishedAt)}</Fact>
        <Fact term={facts.registered}>
          {video.registeredAt ? format.dateTime(video.registeredAt) : t.watch.notYet}
        </Fact>
        {video.copies.length > 0 && (
          <Fact term={facts.copies} isWide>
            {video.copies.map(copy => `${copy.address} (${t.watch.copyStates[copy.state]})`).join(', ')}
          </Fact>
        )}
        <Fact term={facts.path} isWide>
          <code>{video.path}</code>
        </Fact>
      </dl>
    </details>
  );
}
