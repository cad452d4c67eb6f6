/** Serves the files of a revision that are not media segments: the poster, the storyboard and the captions. */

import {
  CAPTIONS_FILE,
  CAPTIONS_SEGMENT_MS,
  type CaptionsRendition,
  captionsSegment,
  MEDIA_PLAYLIST,
  POSTER,
  STORYBOARD,
  STORYBOARD_SPRITE,
} from '../../../protocol/media/media.ts';
import { formatWebVttTime } from '../../../protocol/media/webvtt-time.ts';
import type { Extras, Storyboard } from '../../database/extras.ts';
import { type OpenFile, readSmallFile } from '../storage/storage.ts';
import { cuesWithin, formatWebVtt, parseCaptions } from './captions/cues.ts';

const WEBVTT = 'text/vtt; charset=utf-8';

interface ExtraFile {
  readonly contentType: string;
  readonly body: Buffer;
}

export class ExtraFiles {
  readonly #open: OpenFile;
  readonly #extras: Extras;

  constructor(open: OpenFile, extras: Extras) {
    this.#open = open;
    this.#extras = extras;
  }

  get renditions(): readonly CaptionsRendition[] {
    return this.#extras.captions.map(({ rendition }) => rendition);
  }

  /**
   * @param path relative to the revision
   * @returns undefined if this revision has no such extra
   */
  async file(path: string, durationMs: number): Promise<ExtraFile | undefined> {
    const { poster, storyboard, captions } = this.#extras;
    if (path === POSTER && poster) return { contentType: 'image/jpeg', body: await this.#read(poster) };
    if (storyboard && path === STORYBOARD) return text(WEBVTT, formatStoryboard(storyboard, durationMs));
    if (storyboard && path === STORYBOARD_SPRITE) {
      return { contentType: 'image/jpeg', body: await this.#read(storyboard.file) };
    }
    const [folder, name = ''] = path.split('/');
    const track = captions.find(({ rendition }) => rendition.id === folder);
    if (!track) return undefined;
    if (name === MEDIA_PLAYLIST) return text('application/vnd.apple.mpegurl', formatPlaylist(durationMs));
    if (name === CAPTIONS_FILE) return { contentType: WEBVTT, body: await this.#read(track.file) };
    const number = /^(0|[1-9]\d{0,8})\.vtt$/.exec(name)?.[1];
    if (number === undefined || Number(number) >= Math.ceil(durationMs / CAPTIONS_SEGMENT_MS))
      return undefined;
    const from = Number(number) * CAPTIONS_SEGMENT_MS;
    const cues = parseCaptions(await this.#read(track.file));
    return text(WEBVTT, formatWebVtt(cuesWithin(cues, from, from + CAPTIONS_SEGMENT_MS)));
  }

  #read(name: string): Promise<Buffer> {
    return readSmallFile(this.#open, name);
  }
}

const text = (contentType: string, content: string): ExtraFile => ({
  contentType,
  body: Buffer.from(content),
});

/** A media playlist of WebVTT segments (RFC 8216bis, section 3.1.4), which have no initialization section. */
function formatPlaylist(durationMs: number): string {
  const count = Math.ceil(durationMs / CAPTIONS_SEGMENT_MS);
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    `#EXT-X-TARGETDURATION:${Math.max(1, Math.round(Math.min(CAPTIONS_SEGMENT_MS, durationMs) / 1_000))}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-PLAYLIST-TYPE:VOD',
  ];
  for (let i = 0; i < count; i++) {
    const seconds = (Math.min(durationMs, (i + 1) * CAPTIONS_SEGMENT_MS) - i * CAPTIONS_SEGMENT_MS) / 1_000;
    lines.push(`#EXTINF:${seconds.toFixed(6)},`, captionsSegment(i));
  }
  lines.push('#EXT-X-ENDLIST');
  return `${lines.join('\n')}\n`;
}

/** Maps times to tiles of the sprite (Media Fragments URI, `#xywh`). */
function formatStoryboard(board: Storyboard, durationMs: number): string {
  const { everyMs, columns, count, tileWidth, tileHeight, fromMs = 0 } = board;
  const cues = Array.from({ length: count }, (_, i) => {
    const from = Math.max(0, i * everyMs - fromMs);
    const end = (i + 1) * everyMs - fromMs;
    const to = i + 1 === count ? Math.max(durationMs, from + 1) : Math.min(durationMs, end);
    if (end <= 0 || from >= durationMs) return '';
    const x = (i % columns) * tileWidth;
    const y = Math.floor(i / columns) * tileHeight;
    return `${formatWebVttTime(from)} --> ${formatWebVttTime(to)}\n${STORYBOARD_SPRITE}#xywh=${x},${y},${tileWidth},${tileHeight}\n`;
  });
  return ['WEBVTT\n', ...cues.filter(cue => cue !== '')].join('\n');
}
