/** For each site a file that it must be able to serve, and the hash of its bytes: responding with 200 is not enough. */
import { LRUCache } from 'lru-cache';
import type { SiteId } from '../../protocol/base/ids.ts';
import type { Change } from '../../protocol/central.ts';
import { INIT_SEGMENT, mediaPath } from '../../protocol/media/media.ts';
import type { RegisteredVideo } from '../registry/registry.ts';

export interface ProbeFile {
  readonly path: string;
}

const MAX_HASHES = 50_000;

export class ProbeFiles {
  /** The newest file of each site. */
  readonly #newest = new Map<SiteId, ProbeFile>();
  /** The file that each site last served. */
  readonly #served = new Map<SiteId, ProbeFile>();
  readonly #hashes = new LRUCache<string, string>({ max: MAX_HASHES });

  /** Records that this site holds this whole video. The newest video is probed: an old one would not show disk errors. */
  add(site: SiteId, video: Pick<RegisteredVideo, 'video' | 'revision' | 'renditions'>): void {
    const [rendition] = video.renditions;
    if (!rendition) return;
    this.#newest.set(site, {
      path: mediaPath(video.video, video.revision, `${rendition.id}/${INIT_SEGMENT}`),
    });
  }

  /** Records the public videos in a page of the change feed. */
  readonly addChanges = (changes: readonly Change[]): void => {
    for (const change of changes) {
      if (change.kind === 'video' && !change.isPrivate) this.add(change.site, change);
    }
  };

  /** Records that these sites hold a video that is played, for those that have no file yet. */
  readonly addPlayed = (video: RegisteredVideo, holders: readonly SiteId[]): void => {
    for (const site of holders) if (this.of(site).length === 0) this.add(site, video);
  };

  /** The newest file of this site, then the one that it last served, for when it cannot serve the newest. */
  of(site: SiteId): readonly ProbeFile[] {
    const newest = this.#newest.get(site);
    const served = this.#served.get(site);
    return [newest, served === newest ? undefined : served].flatMap(file => file ?? []);
  }

  recordServed(site: SiteId, file: ProbeFile): void {
    this.#served.set(site, file);
  }

  forget(site: SiteId, file: ProbeFile): void {
    for (const files of [this.#newest, this.#served]) {
      if (files.get(site) === file) files.delete(site);
    }
  }

  /** False if these are not the bytes that this site or another one served before. */
  matches({ path }: ProbeFile, sha256: string): boolean {
    const known = this.#hashes.get(path);
    if (known === undefined) this.#hashes.set(path, sha256);
    return known === undefined || known === sha256;
  }
}
