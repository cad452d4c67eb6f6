/** Descriptions of videos and series in the terms of schema.org, for search engines. Pure. */
import type { VideoRecord } from '../../../protocol/publication/record.ts';
import type { PublicVideo } from '../../database/public/videos.ts';
import type { Addresses } from './addresses.ts';
import { formatDuration, shorten } from './markup.ts';

const CONTEXT = 'https://schema.org';
const MAX_CHARACTERS = 5_000;
/** Search engines ignore more. */
const MAX_CLIPS = 100;
const MAX_LISTED = 100;

type Data = Readonly<Record<string, unknown>>;

/** https://schema.org/VideoObject, with the members that search engines require. */
export function describeVideo({ record, publishedAtMs, siteName }: PublicVideo, addresses: Addresses): Data {
  const url = addresses.watch(record);
  const media = addresses.media(record);
  const poster = addresses.poster(record);
  const { tags, people, language, licence, recordedAt, withdrawAt } = record;
  return {
    '@context': CONTEXT,
    '@type': 'VideoObject',
    '@id': url,
    name: record.name,
    description: shorten(record.description || record.name, MAX_CHARACTERS),
    url,
    embedUrl: addresses.embed(record),
    uploadDate: new Date(publishedAtMs).toISOString(),
    duration: formatDuration(record.durationMs),
    publisher: { '@type': 'Organization', name: siteName },
    ...(poster ? { thumbnailUrl: [poster] } : {}),
    ...(media ? { contentUrl: media.url, encodingFormat: media.type } : {}),
    ...(record.width && record.height ? { width: record.width, height: record.height } : {}),
    ...(recordedAt ? { dateCreated: recordedAt } : {}),
    ...(withdrawAt ? { expires: withdrawAt } : {}),
    ...(language ? { inLanguage: language } : {}),
    ...(licence && /^https?:\/\/\S+$/.test(licence) ? { license: licence } : {}),
    ...(tags?.length ? { keywords: tags.join(', ') } : {}),
    ...(people?.length ? { contributor: people.map(({ name }) => ({ '@type': 'Person', name })) } : {}),
    ...describeClips(record, url),
  };
}

/** https://schema.org/Clip. A chapter ends where the next one starts. */
function describeClips({ chapters = [], durationMs }: VideoRecord, url: string): Data {
  const within = chapters.filter(({ startMs }) => startMs < durationMs).slice(0, MAX_CLIPS);
  if (within.length === 0) return {};
  return {
    hasPart: within.map(({ startMs, title }, at) => ({
      '@type': 'Clip',
      name: title,
      startOffset: Math.floor(startMs / 1_000),
      endOffset: Math.ceil((within[at + 1]?.startMs ?? durationMs) / 1_000),
      url: `${url}?t=${Math.floor(startMs / 1_000)}`,
    })),
  };
}

export interface DescribedSeries {
  readonly title: string;
  readonly description: string;
  readonly url: string;
}

/** https://schema.org/ItemList */
export const describeList = (
  { title, description, url }: DescribedSeries,
  videos: readonly PublicVideo[],
  addresses: Addresses,
): Data => ({
  '@context': CONTEXT,
  '@type': 'ItemList',
  name: title,
  ...(description ? { description: shorten(description, MAX_CHARACTERS) } : {}),
  url,
  numberOfItems: videos.length,
  itemListElement: videos.slice(0, MAX_LISTED).map(({ record }, at) => ({
    '@type': 'ListItem',
    position: at + 1,
    url: addresses.watch(record),
    name: record.name,
  })),
});

/** https://schema.org/WebSite with the search of the catalogue. */
export const describeCatalogue = ({ base }: Addresses): Data => ({
  '@context': CONTEXT,
  '@type': 'WebSite',
  name: 'Tributary',
  url: `${base}/`,
  potentialAction: {
    '@type': 'SearchAction',
    target: { '@type': 'EntryPoint', urlTemplate: `${base}/search?q={q}` },
    'query-input': 'required name=q',
  },
});
