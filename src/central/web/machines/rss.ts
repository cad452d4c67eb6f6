/** A feed as RSS 2.0 with enclosures, Media RSS images and the tags of podcast programs. Pure. */
import { Feed, type Item } from 'feed';
import type { PublicVideo } from '../../database/public/videos.ts';
import type { Addresses } from './addresses.ts';
import { cleanText, escapeHtml, shorten } from './markup.ts';

const MAX_DESCRIPTION_CHARACTERS = 4_000;
/** Media RSS 1.5.1 */
const MEDIA_NAMESPACE = 'http://search.yahoo.com/mrss/';

export interface FeedText {
  readonly title: string;
  readonly description: string;
  /** The page for people, and the feed itself. Absolute. */
  readonly page: string;
  readonly feed: string;
  readonly image?: string | undefined;
}

export function renderRss(text: FeedText, videos: readonly PublicVideo[], addresses: Addresses): string {
  const title = plain(text.title);
  const languages = new Set(videos.map(({ record }) => record.language));
  const [language] = languages;
  const feed = new Feed({
    id: text.page,
    title,
    description: plain(shorten(text.description || text.title, MAX_DESCRIPTION_CHARACTERS)),
    link: text.page,
    feed: text.feed,
    generator: 'Tributary',
    docs: 'https://www.rssboard.org/rss-specification',
    // The same videos give the same bytes, so that readers can ask for changes only.
    updated: new Date(lastChangeOf(videos)),
    podcast: true,
    ...(languages.size === 1 && language !== undefined ? { language } : {}),
    ...(text.image === undefined ? {} : { image: escapeHtml(text.image) }),
  });
  feed.addExtension({ name: 'itunes:explicit', objects: { _text: 'false' } });
  feed.addExtension({ name: 'itunes:summary', objects: { _text: title } });
  if (text.image !== undefined)
    feed.addExtension({ name: 'itunes:image', objects: { _attributes: { href: escapeHtml(text.image) } } });
  for (const video of videos) feed.addItem(describeItem(video, addresses));
  return feed.rss2();
}

export const lastChangeOf = (videos: readonly PublicVideo[]): number =>
  Math.max(0, ...videos.map(({ publishedAtMs }) => publishedAtMs));

/** `]]>` would end the CDATA section in which the library writes a title, and so begin markup. */
const plain = (text: string): string => cleanText(text).replaceAll(']]>', ']] >');

function describeItem({ record, publishedAtMs, siteName }: PublicVideo, addresses: Addresses): Item {
  const { name, description, durationMs, tags = [], series } = record;
  const media = addresses.media(record);
  const poster = addresses.poster(record);
  const link = addresses.watch(record);
  return {
    title: plain(name),
    link,
    id: link,
    date: new Date(publishedAtMs),
    // Readers show this member as HTML.
    description: escapeHtml(cleanText(shorten(description || name, MAX_DESCRIPTION_CHARACTERS))),
    category: tags.map(tag => ({ name: plain(tag) })),
    ...(media ? { enclosure: { url: media.url, type: media.type, length: media.sizeBytes } } : {}),
    extensions: [
      { name: 'itunes:author', objects: { _text: plain(siteName) } },
      { name: 'itunes:duration', objects: { _text: String(Math.max(1, Math.round(durationMs / 1_000))) } },
      ...(series?.position === undefined
        ? []
        : [{ name: 'itunes:episode', objects: { _text: String(series.position) } }]),
      ...(poster === undefined ? [] : imagesOf(escapeHtml(poster))),
    ],
  };
}

const imagesOf = (url: string) => [
  { name: 'itunes:image', objects: { _attributes: { href: url } } },
  { name: 'media:thumbnail', objects: { _attributes: { 'xmlns:media': MEDIA_NAMESPACE, url } } },
];
