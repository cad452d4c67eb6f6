/** What the views show of a video, from the list of central or the library of a site. Pure. */
import type { Hit } from '../../../protocol/catalogue/search.ts';
import type { Video } from '../../../protocol/central.ts';
import {
  MULTIVARIANT_PLAYLIST,
  mediaPath,
  POSTER,
  STORYBOARD,
  tokenPath,
} from '../../../protocol/media/media-address.ts';
import type { Audience } from '../../../protocol/people/audience.ts';
import type { VideoDetails } from '../../../protocol/publication/details.ts';
import type { LibraryPage } from '../../../protocol/site.ts';

export interface CatalogueItem {
  readonly id: string;
  readonly revision: string;
  readonly name: string;
  readonly description: string;
  readonly language?: string | undefined;
  readonly durationMs: number;
  readonly poster?: string | undefined;
  readonly storyboard?: string | undefined;
  readonly hasCaptions: boolean;
  readonly people: readonly { readonly name: string; readonly role?: string | undefined }[];
  readonly series?: { readonly id: string; readonly position?: number | undefined } | undefined;
  readonly chapters?: VideoDetails['chapters'];
  readonly recordedAt?: string | undefined;
  readonly publishedAt?: string | undefined;
  readonly audience: Audience;
  readonly groups?: readonly string[] | undefined;
  readonly hits: readonly Hit[];
  /** At central: the site of the video. */
  readonly site?: { readonly id: string; readonly name: string } | undefined;
  /** At central: the state of publication, and whether a site that holds the video is up. */
  readonly health?: Pick<Video, 'state' | 'holders'> | undefined;
  /** At a site: how much of it is there, and where its files are. */
  readonly holding?: LibraryVideo['holding'] | undefined;
  readonly revisionPath?: string | undefined;
}

/** Members that an earlier server does not send. */
export type ListedVideo = Video & { readonly hits?: readonly Hit[] | undefined };
export type LibraryVideo = LibraryPage['videos'][number] &
  Partial<Pick<Video, 'language' | 'people' | 'series' | 'recordedAt' | 'createdAt' | 'chapters'>> & {
    readonly hasCaptions?: boolean | undefined;
    readonly hits?: readonly Hit[] | undefined;
  };

/** @param tracker the URL of a tracker, which redirects the browser to the best site, as it does for a player */
export function itemAtCentral(video: ListedVideo, tracker: string | undefined): CatalogueItem {
  const { id, audience, pictures, renditions, state, holders } = video;
  // If a tracker needs a grant for the image, central adds it.
  const images = audience === 'public' ? tracker && `${tracker}/go/${id}` : `/api/videos/${id}`;
  const imageAt = (file: string, exists: boolean | undefined) =>
    exists && images !== undefined ? `${images}/${file}` : undefined;
  return {
    ...pickCommon(video),
    audience,
    groups: video.groups,
    poster: imageAt(POSTER, pictures?.poster),
    storyboard: imageAt(STORYBOARD, pictures?.storyboard),
    hasCaptions: renditions.some(({ kind }) => kind === 'captions'),
    publishedAt: video.publishedAt,
    site: video.site,
    health: { state, holders },
  };
}

export function itemAtSite(video: LibraryVideo): CatalogueItem {
  const { id, revision, token, pictures, audience = 'public' } = video;
  const root = token === undefined ? '' : tokenPath(token);
  const pathOf = (file: string): string => root + mediaPath(id, revision, file);
  return {
    ...pickCommon(video),
    audience,
    poster: pictures.poster ? pathOf(POSTER) : undefined,
    storyboard: pictures.storyboard ? pathOf(STORYBOARD) : undefined,
    hasCaptions: video.hasCaptions ?? false,
    publishedAt: video.createdAt,
    holding: video.holding,
    revisionPath: pathOf(MULTIVARIANT_PLAYLIST).slice(0, -MULTIVARIANT_PLAYLIST.length),
  };
}

const pickCommon = (video: ListedVideo | LibraryVideo) => ({
  id: video.id,
  revision: video.revision,
  name: video.name,
  description: video.description,
  language: video.language,
  durationMs: video.durationMs,
  people: video.people ?? [],
  series: video.series,
  chapters: video.chapters,
  recordedAt: video.recordedAt,
  hits: video.hits ?? [],
});
