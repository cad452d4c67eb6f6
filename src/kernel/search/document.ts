/** What the index knows of a video: made from its record, the same at central and at a site. */
import type { VideoId } from '../../protocol/base/ids.ts';
import type { Audience } from '../../protocol/people/audience.ts';
import type { VideoDetails } from '../../protocol/publication/details.ts';
import { formatFacetLines } from './facet-lines.ts';
import { foldText } from './fold.ts';
import { KEYWORD, languageLexemes, type SearchText, textLexemes } from './lexemes.ts';
import { bucketOf } from './match.ts';

export type Reach = 'public' | 'internal' | 'named';

/** The members of a record on which the index depends. */
export interface IndexedVideo extends Pick<VideoDetails, 'people' | 'tags' | 'fields' | 'recordedAt'> {
  readonly video: VideoId;
  /** The site that owns the video; empty if it is not known. */
  readonly site: string;
  readonly name: string;
  readonly description: string;
  readonly language?: string | undefined;
  readonly durationMs: number;
  readonly createdAt: string;
  readonly audience: Audience;
  readonly groups: readonly string[];
  readonly owner?: string | undefined;
  readonly series?: { readonly id: string; readonly title: string } | undefined;
}

export interface SearchDocument {
  readonly video: VideoId;
  readonly site: string;
  readonly reach: Reach;
  readonly titleKey: string;
  readonly recordedMs: number;
  readonly lengthS: number;
  readonly facets: string;
  readonly lexemes: readonly string[];
}

const MAX_TITLE_KEY = 200;

const textOf = (value: unknown): string[] =>
  Array.isArray(value)
    ? value.flatMap(textOf)
    : typeof value === 'string' || typeof value === 'number'
      ? [String(value)]
      : [];

export const searchTextOf = (
  video: Pick<IndexedVideo, 'name' | 'people' | 'series' | 'tags' | 'description' | 'fields'>,
): SearchText => ({
  name: video.name,
  people: (video.people ?? []).map(({ name }) => name),
  series: video.series?.title ?? '',
  tags: video.tags ?? [],
  description: video.description,
  fields: Object.values(video.fields ?? {}).flatMap(textOf),
});

/** @param captions the languages in which there are captions, and the tokens of these */
export function makeDocument(
  video: IndexedVideo,
  captions: { readonly has: boolean; readonly lexemes: readonly string[] },
): SearchDocument {
  const recordedMs = Date.parse(video.recordedAt ?? video.createdAt);
  const lengthS = Math.round(video.durationMs / 1_000);
  const year = new Date(recordedMs).getUTCFullYear();
  const reach = video.audience === 'public' || video.audience === 'internal' ? video.audience : 'named';
  const people = (video.people ?? []).map(({ name }) => name);
  const { tags = [] } = video;
  return {
    video: video.video,
    site: video.site,
    reach,
    titleKey: [...foldText(video.name)].slice(0, MAX_TITLE_KEY).join(''),
    recordedMs,
    lengthS,
    facets: formatFacetLines({
      site: video.site,
      series: video.series?.id,
      tags,
      people,
      language: video.language,
      year,
      lengthS,
      hasCaptions: captions.has,
    }),
    lexemes: [
      ...new Set([
        ...textLexemes(searchTextOf(video)),
        ...captions.lexemes,
        KEYWORD.reach(reach),
        ...(video.site === '' ? [] : [KEYWORD.site(video.site)]),
        ...(video.series ? [KEYWORD.series(video.series.id)] : []),
        ...(video.owner === undefined ? [] : [KEYWORD.owner(video.owner)]),
        ...video.groups.map(KEYWORD.group),
        ...tags.map(KEYWORD.tag),
        ...people.map(KEYWORD.person),
        ...(video.language === undefined ? [] : languageLexemes(video.language)),
        KEYWORD.year(year),
        KEYWORD.captions(captions.has),
        KEYWORD.length(bucketOf(lengthS)),
      ]),
    ],
  };
}
