/** For each site a file that it must be able to serve, and what its bytes are: a site that only says 200 serves nobody. */
import { LRUCache } from 'lru-cache';
import type { Change } from '../../protocol/central.ts';
import type { SiteId } from '../../protocol/ids.ts';
import { INIT_SEGMENT, mediaPath } from '../../protocol/media/media.ts';
import type { RegisteredVideo } from '../registry/registry.ts';

export interface Sample {
  readonly path: string;
}

const MAX_HASHES = 50_000;

export class Samples {
  readonly #samples = new Map<SiteId, Sample>();
  /** Of each site the one that it last served. */
  readonly #served = new Map<SiteId, Sample>();
  readonly #known = new LRUCache<string, string>({ max: MAX_HASHES });

  /** This site holds this video whole. The newest is asked for: an old one says little of the disk that is written to. */
  note(site: SiteId, video: Pick<RegisteredVideo, 'video' | 'revision' | 'renditions'>): void {
    const [rendition] = video.renditions;
    if (!rendition) return;
    this.#samples.set(site, {
      path: mediaPath(video.video, video.revision, `${rendition.id}/${INIT_SEGMENT}`),
    });
  }

  /** What was published last at each site. */
  readonly learn = (changes: readonly Change[]): void => {
    for (const change of changes) {
      if (change.kind === 'video' && !change.isPrivate) this.note(change.site, change);
    }
  };

  /** What to ask this site for: the newest; and where it cannot serve that, what it served before. */
  of(site: SiteId): readonly Sample[] {
    const newest = this.#samples.get(site);
    const served = this.#served.get(site);
    return [newest, served === newest ? undefined : served].flatMap(sample => sample ?? []);
  }

  noteServed(site: SiteId, sample: Sample): void {
    this.#served.set(site, sample);
  }

  forget(site: SiteId, sample: Sample): void {
    for (const samples of [this.#samples, this.#served]) {
      if (samples.get(site) === sample) samples.delete(site);
    }
  }

  /** False: other bytes than were served before, by this site or by another. */
  agrees({ path }: Sample, sha256: string): boolean {
    const known = this.#known.get(path);
    if (known === undefined) this.#known.set(path, sha256);
    return known === undefined || known === sha256;
  }
}
