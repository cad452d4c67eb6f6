/** What the centre knows of a video: its record, and where it is held. */
import type { ComponentChildren } from 'preact';
import type { Video } from '../../protocol/central.ts';
import { formatClock } from '../i18n/format.ts';
import { useSpeech } from '../i18n/use-translation.tsx';

interface FactProps {
  readonly term: string;
  readonly children: ComponentChildren;
  readonly whole?: boolean;
}

const Fact = ({ term, children, whole }: FactProps) => (
  <div class={whole ? 'whole' : ''}>
    <dt>{term}</dt>
    <dd>{children}</dd>
  </div>
);

export function Facts({ video }: { readonly video: Video }) {
  const { t, format } = useSpeech();
  const { facts } = t.watch;
  return (
    <section class="panel" aria-labelledby="about">
      <h2 id="about">{t.watch.about}</h2>
      {video.description && (
        <p class="description" dir="auto" lang={video.language}>
          {video.description}
        </p>
      )}
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
          <Fact term={facts.copies} whole>
            {video.copies.map(copy => `${copy.address} (${t.watch.copyStates[copy.state]})`).join(', ')}
          </Fact>
        )}
        <Fact term={facts.path} whole>
          <code>{video.path}</code>
        </Fact>
      </dl>
    </section>
  );
}
