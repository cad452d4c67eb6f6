/** Makes the files of one revision on request: playlists, manifest, init segments, and media segments cut from stored files. */
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { formatDashManifest } from '../../../protocol/media/dash.ts';
import { formatMultivariantPlaylist } from '../../../protocol/media/hls.ts';
import {
  DASH_MANIFEST,
  IFRAME_PLAYLIST,
  INIT_SEGMENT,
  MEDIA_PLAYLIST,
  MULTIVARIANT_PLAYLIST,
  type Rendition,
  TIMELINE,
} from '../../../protocol/media/media.ts';
import { formatIFramePlaylist, formatMediaPlaylist } from '../../../protocol/media/media-playlist.ts';
import { type RevisionTimeline, toRuns } from '../../../protocol/media/timeline.ts';
import type { Extras } from '../../database/extras.ts';
import { formatInitSegment } from '../containers/containers.ts';
import { ExtraFiles } from '../extras/extras.ts';
import { type IndexedRendition, SourceIndex } from '../index/source-index.ts';
import type { OpenFile } from '../storage/storage.ts';
import { cutSegment, listIFrames, type StoredRendition } from './cut-segment.ts';
import { MediaFiles } from './media-files.ts';

/** Part of every entity tag. Raise it when an unchanged index yields other bytes. */
export const CUT_VERSION = 1;

/** The files from which a revision is made. Each index file describes one set of renditions. */
export interface RevisionFiles {
  /** Directory of the video, to which all names are relative. */
  readonly directory: string;
  readonly indexes: readonly string[];
  readonly extras?: Extras;
  /** Opens files that may be stored outside the directory. */
  readonly open?: OpenFile;
}

export interface CutFile {
  readonly contentType: string;
  readonly body: Buffer;
}

/** A set of renditions that share media files: those of the source, or of one encoding. */
interface RenditionSet {
  readonly index: SourceIndex;
  readonly files: MediaFiles;
}

export class Presentation {
  readonly #sets: readonly RenditionSet[];
  readonly #stored: ReadonlyMap<string, StoredRendition>;
  readonly #durationMs: number;
  readonly #extras: ExtraFiles | undefined;

  private constructor(sets: readonly RenditionSet[], files: RevisionFiles) {
    this.#sets = sets;
    this.#extras = files.extras && new ExtraFiles(openerOf(files), files.extras);
    const stored = sets.flatMap(({ index, files }) => index.renditions.map(indexed => ({ indexed, files })));
    const ends = stored.map(({ indexed: { header } }) => header.end / header.timescale);
    this.#durationMs = Math.max(1, Math.round(Math.max(...ends) * 1_000));
    this.#stored = new Map(stored.map(one => [one.indexed.header.rendition.id, one]));
  }

  /** @throws Error if a file is missing, or is not the file that was indexed */
  static async open(files: RevisionFiles): Promise<Presentation> {
    const openFile = openerOf(files);
    const sets: RenditionSet[] = [];
    try {
      for (const name of files.indexes) {
        const index = await SourceIndex.read(await openFile(name), name);
        try {
          sets.push({ index, files: await MediaFiles.open(openFile, index.files) });
        } catch (error) {
          await index.close();
          throw error;
        }
      }
      return new Presentation(sets, files);
    } catch (error) {
      await closeAll(sets);
      throw error;
    }
  }

  /** The renditions in the order of the multivariant playlist. */
  get renditions(): readonly Rendition[] {
    const media = this.#sets.flatMap(({ index }) => index.renditions.map(({ header }) => header.rendition));
    return [...media, ...(this.#extras?.renditions ?? [])];
  }

  findIndexed(id: string): IndexedRendition | undefined {
    return this.#stored.get(id)?.indexed;
  }

  get timeline(): RevisionTimeline {
    return {
      durationMs: this.#durationMs,
      renditions: Object.fromEntries(
        [...this.#stored].map(([id, { indexed }]) => [
          id,
          { timescale: indexed.header.timescale, runs: toRuns(indexed.listTicks()) },
        ]),
      ),
    };
  }

  /**
   * Makes a file of the revision.
   *
   * @param relativePath `multivariant.m3u8`, `manifest.mpd`, `timeline.json`, an extra file (`extras/extra-files.ts`), or
   *   `{rendition}/media.m3u8`, `{rendition}/iframes.m3u8` (video only), `{rendition}/init.mp4` or `{rendition}/{number}.m4s`
   * @returns undefined if there is no such file
   * @throws Error if a stored file cannot be read
   */
  async file(relativePath: string): Promise<CutFile | undefined> {
    switch (relativePath) {
      case MULTIVARIANT_PLAYLIST:
        return text(PLAYLIST_TYPE, formatMultivariantPlaylist(this.renditions, [{ id: '.', baseUri: '' }]));
      case DASH_MANIFEST:
        return text('application/dash+xml', formatDashManifest(this.renditions, this.timeline));
      case TIMELINE:
        return text('application/json', JSON.stringify(this.timeline));
    }
    const extra = await this.#extras?.file(relativePath, this.#durationMs);
    if (extra) return extra;
    const [id = '', name, ...rest] = relativePath.split('/');
    const stored = this.#stored.get(id);
    if (!stored || name === undefined || rest.length > 0) return undefined;
    const { indexed } = stored;
    const { description, timescale, editMediaTime, shownFromSeconds } = indexed.header;
    if (name === MEDIA_PLAYLIST) {
      return text(PLAYLIST_TYPE, formatMediaPlaylist(indexed.listDurations(), { shownFromSeconds }));
    }
    if (name === IFRAME_PLAYLIST && description.kind === 'video')
      return text(PLAYLIST_TYPE, formatIFramePlaylist(await listIFrames(indexed)));
    const contentType = `${description.kind}/mp4`;
    if (name === INIT_SEGMENT) {
      return { contentType, body: formatInitSegment(description, timescale, editMediaTime) };
    }
    const number = /^(0|[1-9]\d{0,8})\.m4s$/.exec(name)?.[1];
    const body = number === undefined ? undefined : await cutSegment(stored, Number(number));
    return body && { contentType, body };
  }

  /** The caller must not close the presentation while it makes a file. */
  close(): Promise<void> {
    return closeAll(this.#sets);
  }
}

export const openerOf = ({ directory, open: openElsewhere }: RevisionFiles): OpenFile =>
  openElsewhere ?? (name => open(resolve(directory, name), 'r'));

async function closeAll(sets: readonly RenditionSet[]): Promise<void> {
  await Promise.all(sets.flatMap(({ index, files }) => [index.close(), files.close()]));
}

const PLAYLIST_TYPE = 'application/vnd.apple.mpegurl';

const text = (contentType: string, content: string): CutFile => ({ contentType, body: Buffer.from(content) });
