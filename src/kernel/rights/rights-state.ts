/**
 * The rights that a member knows: keys, revoked grants and, at sites, which videos are private. They are held in memory and in
 * one file that only its owner may read, so that a member can check rights while central is unavailable.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import * as z from 'zod';
import { type VideoId, videoIdSchema } from '../../protocol/base/ids.ts';
import {
  CLOCK_TOLERANCE_S,
  type RightsPage,
  rightKeySchema,
  rightsPageSchema,
} from '../../protocol/rights.ts';
import { writeDurably } from '../files.ts';
import type { RightKey } from './rights-token.ts';

/** Sources that can mark a video as private: central; this site, for videos it stores; a tracker, for videos it was asked about. */
const PRIVACY_SOURCES = ['central', 'own', 'tracker'] as const;
type PrivacySource = (typeof PRIVACY_SOURCES)[number];

const videosSchema = z.array(videoIdSchema);
export const rightsContentSchema = z.strictObject({
  position: z.int().nonnegative(),
  keys: z.array(rightKeySchema),
  /** The secret key of this site, which no other part knows. */
  ownKey: rightKeySchema.shape.key,
  central: videosSchema,
  own: videosSchema,
  tracker: videosSchema,
  /** Those of `central` that viewers in house networks may watch. */
  internal: videosSchema.optional(),
  revoked: z.array(rightsPageSchema.shape.revoked.element),
});
export type RightsContent = z.infer<typeof rightsContentSchema>;

/** The generation under which a site's own key is indexed. */
const OWN = 0;

export class RightsState {
  readonly #path: string | undefined;
  #content: Omit<RightsContent, PrivacySource | 'internal' | 'revoked'> = {
    position: 0,
    keys: [],
    ownKey: randomBytes(32).toString('base64url'),
  };
  #keys = new Map<number, { readonly key: Buffer; readonly untilS: number }>();
  #videos: Record<PrivacySource, Set<VideoId>> = { central: new Set(), own: new Set(), tracker: new Set() };
  #internal = new Set<VideoId>();
  #revoked = new Map<string, number>();
  readonly #listeners = new Set<(video: VideoId) => void>();
  #saving: Promise<void> = Promise.resolve();
  /** Increases with every change. */
  version = 0;

  private constructor(path: string | undefined) {
    this.#path = path;
  }

  /** Reads the file at `path`, if it exists. @throws if it is unreadable, because a part that knows no rights must not serve */
  static open(path?: string): RightsState {
    const state = new RightsState(path);
    if (path !== undefined && existsSync(path)) state.restore(readRightsFile(path));
    else state.#indexKeys();
    return state;
  }

  get position(): number {
    return this.#content.position;
  }

  /** The newest key of central; undefined before the first page was read. */
  get newest(): RightKey | undefined {
    const [newest] = this.#content.keys;
    return newest && { generation: newest.generation, key: Buffer.from(newest.key, 'base64url') };
  }

  get ownKey(): RightKey {
    return { generation: OWN, key: Buffer.from(this.#content.ownKey, 'base64url') };
  }

  findKey(generation: number, nowS: number): Buffer | undefined {
    const found = this.#keys.get(generation);
    return found && nowS <= found.untilS + CLOCK_TOLERANCE_S ? found.key : undefined;
  }

  isRevoked(grant: string): boolean {
    return this.#revoked.has(grant);
  }

  isPrivate(video: VideoId): boolean {
    const { central, own, tracker } = this.#videos;
    return central.has(video) || own.has(video) || tracker.has(video);
  }

  /** False if central says that viewers in house networks may not watch this private video any more. */
  isOpenToHouseNetworks(video: VideoId): boolean {
    return this.#internal.has(video) || !this.#videos.central.has(video);
  }

  /** Calls `listener` for every video that becomes private or stops being private. */
  onChange(listener: (video: VideoId) => void): void {
    this.#listeners.add(listener);
  }

  apply(page: RightsPage): void {
    const { position, keys } = this.#content;
    const isSame = position === page.position && JSON.stringify(keys) === JSON.stringify(page.keys);
    if (!isSame || page.revoked.length > 0) this.version++;
    this.#content = { ...this.#content, position: page.position, keys: page.keys };
    this.#indexKeys();
    for (const { video, isPrivate, isInternal } of page.videos) {
      this.mark('central', video, isPrivate);
      if (isPrivate && isInternal) this.#internal.add(video);
      else this.#internal.delete(video);
      if (!isPrivate) this.mark('tracker', video, false);
    }
    const nowS = Date.now() / 1_000;
    for (const { grant, expiresS } of page.revoked) this.#revoked.set(grant, expiresS);
    for (const [grant, expiresS] of this.#revoked) {
      if (expiresS + CLOCK_TOLERANCE_S < nowS) this.#revoked.delete(grant);
    }
  }

  mark(source: PrivacySource, video: VideoId, isPrivate: boolean): void {
    const videos = this.#videos[source];
    if (videos.has(video) === isPrivate) return;
    const before = this.isPrivate(video);
    if (isPrivate) videos.add(video);
    else videos.delete(video);
    this.version++;
    if (this.isPrivate(video) !== before) for (const listener of this.#listeners) listener(video);
  }

  isMarked(source: PrivacySource, video: VideoId): boolean {
    return this.#videos[source].has(video);
  }

  /** Replaces the set of private videos that this site stores. */
  markOwn(videos: ReadonlySet<VideoId>): void {
    for (const video of this.#videos.own) if (!videos.has(video)) this.mark('own', video, false);
    for (const video of videos) this.mark('own', video, true);
  }

  content(): RightsContent {
    const { central, own, tracker } = this.#videos;
    return {
      ...this.#content,
      central: [...central],
      own: [...own],
      tracker: [...tracker],
      // Earlier versions do not know this member.
      ...(this.#internal.size > 0 ? { internal: [...this.#internal] } : {}),
      revoked: [...this.#revoked].map(([grant, expiresS]) => ({ grant, expiresS })),
    };
  }

  /** Replaces everything with the content that another process of this site has written. */
  restore({ central, own, tracker, internal = [], revoked, ...content }: RightsContent): void {
    this.#content = content;
    this.#revoked = new Map(revoked.map(({ grant, expiresS }) => [grant, expiresS]));
    this.#internal = new Set(internal);
    this.#indexKeys();
    const next = { central: new Set(central), own: new Set(own), tracker: new Set(tracker) };
    for (const source of PRIVACY_SOURCES) {
      for (const video of this.#videos[source]) if (!next[source].has(video)) this.mark(source, video, false);
      for (const video of next[source]) this.mark(source, video, true);
    }
    this.version++;
  }

  /** Saves the current content. When it returns, that content is durable. */
  save(): Promise<void> {
    const path = this.#path;
    if (path === undefined) return Promise.resolve();
    const saving = this.#saving.then(() => writeDurably(path, JSON.stringify(this.content()), 0o600));
    this.#saving = saving.catch(() => {});
    return saving;
  }

  #indexKeys(): void {
    this.#keys = new Map(
      this.#content.keys.map(({ generation, key, untilS }) => [
        generation,
        { key: Buffer.from(key, 'base64url'), untilS: untilS ?? Number.POSITIVE_INFINITY },
      ]),
    );
    this.#keys.set(OWN, { key: this.ownKey.key, untilS: Number.POSITIVE_INFINITY });
  }
}

/** Reads and parses the rights file. @throws Error that says what to do */
export function readRightsFile(path: string): RightsContent {
  try {
    return rightsContentSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new Error(`Cannot read ${path}, which lists the private videos. Restore it from a backup.`, {
      cause,
    });
  }
}
