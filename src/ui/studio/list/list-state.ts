/** The videos and conversions that the page has loaded, and what changes in them. Pure. */
import type { SiteJob } from '../../../protocol/job.ts';
import type { SiteVideo } from '../../../protocol/site.ts';
import type { SiteChanges, SiteVideoCounts, SiteVideoPage } from '../../../protocol/studio.ts';

export interface ListState {
  readonly videos: readonly SiteVideo[];
  readonly jobs: ReadonlyMap<string, SiteJob>;
  readonly counts: SiteVideoCounts;
  readonly next: string | undefined;
}

export const startList = ({ videos, jobs, counts, next }: SiteVideoPage): ListState => ({
  videos,
  jobs: new Map(jobs.map(job => [job.id, job])),
  counts,
  next,
});

/** A video that has moved to a later page meanwhile is not shown twice. */
export function addPage(list: ListState, page: SiteVideoPage): ListState {
  const known = new Set(list.videos.map(({ id }) => id));
  return {
    videos: [...list.videos, ...page.videos.filter(({ id }) => !known.has(id))],
    jobs: new Map([...list.jobs, ...page.jobs.map(job => [job.id, job] as const)]),
    counts: page.counts,
    next: page.next,
  };
}

/** The first page again, in place of the beginning of the list. */
export function renewFirstPage(list: ListState, page: SiteVideoPage): ListState {
  const fresh = new Set(page.videos.map(({ id }) => id));
  const last = page.videos.at(-1)?.id;
  const end = list.videos.findIndex(({ id }) => id === last);
  if (page.next === undefined || end === -1) return startList(page);
  const rest = list.videos.slice(end + 1).filter(({ id }) => !fresh.has(id));
  return {
    videos: [...page.videos, ...rest],
    jobs: new Map([...list.jobs, ...page.jobs.map(job => [job.id, job] as const)]),
    counts: page.counts,
    next: rest.length > 0 ? list.next : page.next,
  };
}

/** Changes the videos of the list. Videos that are not in it are left out. */
export function applyChanges(list: ListState, changes: SiteChanges): ListState {
  const videos = new Map(changes.videos.map(video => [video.id, video]));
  const removed = new Set(changes.removed);
  const jobs = new Map(list.jobs);
  for (const job of changes.jobs) jobs.set(job.id, job);
  for (const id of removed) jobs.delete(id);
  return {
    videos: list.videos.filter(({ id }) => !removed.has(id)).map(video => videos.get(video.id) ?? video),
    jobs,
    counts: changes.counts ?? list.counts,
    next: list.next,
  };
}

/** True if the list may have another first page after these changes. */
export const needsReload = (list: ListState, changes: SiteChanges): boolean => {
  const known = new Set(list.videos.map(({ id }) => id));
  return changes.reset === true || changes.videos.some(({ id }) => !known.has(id));
};

/** The conversions of a video, except the finished ones. */
export const jobsOf = (list: ListState, video: string): readonly SiteJob[] =>
  [...list.jobs.values()].filter(job => job.video === video && job.state !== 'done');
