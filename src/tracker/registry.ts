/** What the tracker knows, as central's change feed told it: the videos, who holds them, and the sites. */
import type { Change } from '../protocol/central.ts';
import type { SiteId, VideoId } from '../protocol/ids.ts';

export type RegisteredVideo = Extract<Change, { kind: 'video' }>;
export type RegisteredSite = Extract<Change, { kind: 'site' }>;
/** What one site last said of one video. */
type Entry = Exclude<Change, { kind: 'site' }>;

export type Lookup =
  | { readonly kind: 'known'; readonly video: RegisteredVideo; readonly holders: ReadonlySet<SiteId> }
  | { readonly kind: 'withdrawn' }
  | { readonly kind: 'unknown' };

export class Registry {
  /**
   * The entry of the site that was first to publish the video stands first. Only that site changes or withdraws it: a
   * compromised site that publishes under another's id gains nothing.
   */
  #entries = new Map<VideoId, Entry[]>();
  #sites = new Map<SiteId, RegisteredSite>();
  #known = 0;
  /** Rises with every change of a site. */
  sitesVersion = 0;

  apply(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.kind === 'site') {
        this.#sites.set(change.site, change);
        this.sitesVersion++;
      } else {
        this.#register(change);
      }
    }
  }

  #register(change: Entry): void {
    const entries = this.#entries.get(change.video);
    if (!entries) {
      this.#entries.set(change.video, [change]);
      this.#known += Number(change.kind === 'video');
      return;
    }
    const index = entries.findIndex(entry => entry.site === change.site);
    const before = entries[index];
    // Publication rule R4: a record is applied only if its version is greater.
    if (before && before.version >= change.version) return;
    if (index === 0) this.#known += Number(change.kind === 'video') - Number(before?.kind === 'video');
    if (before) entries[index] = change;
    else entries.push(change);
  }

  find(id: VideoId): Lookup {
    const entries = this.#entries.get(id);
    const video = entries?.[0];
    if (!entries || !video) return { kind: 'unknown' };
    if (video.kind === 'withdrawn') return { kind: 'withdrawn' };
    const holders = entries.filter(entry => entry.kind === 'video' && entry.revision === video.revision);
    return { kind: 'known', video, holders: new Set(holders.map(({ site }) => site)) };
  }

  /** Withdrawn ones do not count. */
  get videoCount(): number {
    return this.#known;
  }

  get sites(): readonly RegisteredSite[] {
    return [...this.#sites.values()];
  }

  findSite(id: SiteId): RegisteredSite | undefined {
    return this.#sites.get(id);
  }

  /** Becomes what `other` is, which must not be used any more. */
  replaceWith(other: Registry): void {
    this.#entries = other.#entries;
    this.#sites = other.#sites;
    this.#known = other.#known;
    this.sitesVersion++;
  }

  /** All of it, as changes that would make it again. */
  *dump(): Iterable<Change> {
    yield* this.#sites.values();
    for (const entries of this.#entries.values()) yield* entries;
  }
}
