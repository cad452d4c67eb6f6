/** What the tracker knows, as central's change feed told it: the videos, who holds them, and the sites. */
import type { Change } from '../protocol/central.ts';
import type { SiteId, VideoId } from '../protocol/ids.ts';

export type RegisteredVideo = Extract<Change, { kind: 'video' }>;
export type RegisteredSite = Extract<Change, { kind: 'site' }>;

export type Lookup =
  | { readonly kind: 'known'; readonly video: RegisteredVideo; readonly holders: ReadonlySet<SiteId> }
  | { readonly kind: 'withdrawn' }
  | { readonly kind: 'unknown' };

export class Registry {
  readonly #videos = new Map<VideoId, RegisteredVideo>();
  readonly #withdrawn = new Map<VideoId, Extract<Change, { kind: 'withdrawn' }>>();
  readonly #sites = new Map<SiteId, RegisteredSite>();
  /** Rises with every change of a site. */
  sitesVersion = 0;

  apply(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.kind === 'site') {
        this.#sites.set(change.site, change);
        this.sitesVersion++;
      } else if (change.kind === 'video') {
        this.#videos.set(change.video, change);
        this.#withdrawn.delete(change.video);
      } else {
        this.#videos.delete(change.video);
        this.#withdrawn.set(change.video, change);
      }
    }
  }

  find(id: VideoId): Lookup {
    const video = this.#videos.get(id);
    if (video) return { kind: 'known', video, holders: new Set([video.site]) };
    return this.#withdrawn.has(id) ? { kind: 'withdrawn' } : { kind: 'unknown' };
  }

  get videoCount(): number {
    return this.#videos.size;
  }

  get sites(): readonly RegisteredSite[] {
    return [...this.#sites.values()];
  }

  clear(): void {
    this.#videos.clear();
    this.#withdrawn.clear();
    this.#sites.clear();
    this.sitesVersion++;
  }

  /** All of it, as changes that would make it again. */
  *dump(): Iterable<Change> {
    yield* this.#sites.values();
    yield* this.#videos.values();
    yield* this.#withdrawn.values();
  }
}
