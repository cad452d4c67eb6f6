/** The files of one revision, made when asked for: playlists, init segments, media segments cut from the source. */
import { type FileHandle, open } from 'node:fs/promises';
import { formatMultivariantPlaylist } from '../../protocol/hls.ts';
import { INIT_SEGMENT, MEDIA_PLAYLIST, MULTIVARIANT_PLAYLIST } from '../../protocol/media.ts';
import { formatInitSegment } from './cmaf-init.ts';
import { formatCmafSegment } from './cmaf-segment.ts';
import { formatMediaPlaylist } from './media-playlist.ts';
import { readScattered } from './scattered-read.ts';
import { SourceIndex } from './source-index.ts';

/** Part of every entity tag: raise it when the bytes made from an unchanged index change. */
export const CUT_VERSION = 1;

const PLAYLIST_TYPE = 'application/vnd.apple.mpegurl';

export interface CutFile {
  readonly contentType: string;
  readonly body: Buffer;
}

export class Presentation {
  readonly #source: FileHandle;
  readonly #index: SourceIndex;

  private constructor(source: FileHandle, index: SourceIndex) {
    this.#source = source;
    this.#index = index;
  }

  /** @throws Error if either file is missing, or the index is not of this source. */
  static async open(sourcePath: string, indexPath: string): Promise<Presentation> {
    const index = await SourceIndex.open(indexPath);
    let source: FileHandle | undefined;
    try {
      source = await open(sourcePath, 'r');
      const { size } = await source.stat();
      if (size !== index.sourceBytes) {
        throw new Error(`${sourcePath} has ${size} bytes, its index is of a file of ${index.sourceBytes}`);
      }
      return new Presentation(source, index);
    } catch (error) {
      await source?.close();
      await index.close();
      throw error;
    }
  }

  /**
   * @param relativePath `multivariant.m3u8`, or `{rendition}/` and `media.m3u8`, `init.mp4` or `{number}.m4s`
   * @returns undefined where there is no such file
   * @throws Error if the source cannot be read
   */
  async file(relativePath: string): Promise<CutFile | undefined> {
    if (relativePath === MULTIVARIANT_PLAYLIST) {
      const renditions = this.#index.renditions.map(({ rendition }) => rendition);
      return playlist(formatMultivariantPlaylist(renditions, [{ id: '.', baseUri: '' }]));
    }
    const [id, name, ...rest] = relativePath.split('/');
    const which = this.#index.renditions.findIndex(({ rendition }) => rendition.id === id);
    if (which < 0 || name === undefined || rest.length > 0) return undefined;
    if (name === MEDIA_PLAYLIST) return playlist(formatMediaPlaylist(this.#index.listDurations(which)));
    const { description, timescale, editMediaTime } = this.#index.renditions[which]!;
    const contentType = `${description.kind}/mp4`;
    if (name === INIT_SEGMENT) {
      return { contentType, body: formatInitSegment(description, timescale, editMediaTime) };
    }
    const number = /^(0|[1-9]\d{0,8})\.m4s$/.exec(name)?.[1];
    const body = number === undefined ? undefined : await this.#cut(which, Number(number));
    return body && { contentType, body };
  }

  /** Waits for nothing: the caller closes when no `file` is under way. */
  async close(): Promise<void> {
    await Promise.all([this.#source.close(), this.#index.close()]);
  }

  async #cut(which: number, number: number): Promise<Buffer | undefined> {
    const segment = this.#index.findSegment(which, number);
    if (!segment) return undefined;
    const { description, hasComposition, samplePrefix } = this.#index.renditions[which]!;
    const prefix = Buffer.from(samplePrefix, 'base64');
    const stored = await this.#index.readSamples(which, segment);
    const samples =
      prefix.length === 0 ? stored : stored.map(s => ({ ...s, sizeBytes: s.sizeBytes + prefix.length }));
    const { bytes, dataStart } = formatCmafSegment(
      description.kind,
      hasComposition,
      number,
      segment.decodeTime,
      samples,
      segment.dataBytes,
    );
    let at = dataStart;
    const pieces = stored.map(({ offset, sizeBytes }) => {
      if (prefix.length > 0) at += prefix.copy(bytes, at);
      const piece = { position: offset, length: sizeBytes, target: at };
      at += sizeBytes;
      return piece;
    });
    await readScattered(this.#source, bytes, pieces);
    return bytes;
  }
}

const playlist = (text: string): CutFile => ({ contentType: PLAYLIST_TYPE, body: Buffer.from(text) });
