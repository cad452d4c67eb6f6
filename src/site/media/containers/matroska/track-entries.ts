/** Reads the track entries of a Matroska or WebM file (RFC 9559, section 5.1.4). */

import { damaged, SourceRejected, tooManyTracks } from '../../source-rejected.ts';
import { type EbmlElement, listElements, readFloat, readString, readUint } from './ebml.ts';

export interface MatroskaTrack {
  readonly number: number;
  readonly kind: 'video' | 'audio';
  readonly codecId: string;
  readonly codecPrivate: Buffer;
  /** Configurations of block additions by their type, such as `dvcC` (section 5.1.4.1.17). */
  readonly additions: ReadonlyMap<string, Buffer>;
  readonly isEnabled: boolean;
  readonly isDefault: boolean;
  /** Index among the tracks of this kind. */
  readonly order: number;
  /** Width times height; 0 for audio. */
  readonly pixels: number;
  /** Nanoseconds per frame; 0 if not given. */
  readonly defaultDuration: number;
  /** Nanoseconds of decoder priming, by which presentation begins earlier (section 5.1.4.1.25). */
  readonly codecDelay: number;
  readonly sampleRateHz: number;
  /** Bytes that the writer stripped off every frame (section 5.1.4.1.31.7). */
  readonly samplePrefix: Buffer;
}

const MAX_TRACKS = 1_000;
const MAX_PREFIX_BYTES = 4_096;

const TRACK_ENTRY = 0xae;
const KINDS: Readonly<Record<number, 'video' | 'audio'>> = { 1: 'video', 2: 'audio' };

/**
 * @param tracks body of the Tracks element
 * @throws SourceRejected if an entry is malformed, or its frames are compressed or encrypted
 */
export function readTracks(tracks: Buffer): readonly MatroskaTrack[] {
  const found: MatroskaTrack[] = [];
  const counts = { video: 0, audio: 0 };
  for (const entry of listElements(tracks)) {
    if (entry.id !== TRACK_ENTRY) continue;
    const track = readTrackEntry(tracks.subarray(entry.body, entry.end), counts);
    if (!track) continue;
    if (found.length === MAX_TRACKS) throw tooManyTracks(MAX_TRACKS);
    if (found.some(other => other.number === track.number))
      throw damaged('two of its tracks have the same number');
    found.push(track);
  }
  return found;
}

/** @returns undefined for a track that is neither video nor audio */
function readTrackEntry(
  bytes: Buffer,
  counts: Record<MatroskaTrack['kind'], number>,
): MatroskaTrack | undefined {
  const fields = readFields(bytes);
  const uint = (id: number, fallback: number): number => {
    const field = fields.get(id);
    return field ? readUint(bytes, field) : fallback;
  };
  const body = (id: number): Buffer => {
    const field = fields.get(id);
    return field ? bytes.subarray(field.body, field.end) : Buffer.alloc(0);
  };
  const kind = KINDS[uint(0x83, 0)];
  if (!kind) return undefined;
  const scale = fields.get(0x23314f);
  if (scale && readFloat(bytes, scale) !== 1) {
    throw new SourceRejected(
      'structure-unsupported',
      'This file has a track that plays at another speed. Export the video again, and upload the result.',
    );
  }
  const codecId = fields.get(0x86);
  return {
    number: uint(0xd7, 0),
    kind,
    codecId: codecId ? readString(bytes, codecId) : '',
    codecPrivate: Buffer.from(body(0x63a2)),
    additions: readAdditions(bytes),
    isEnabled: uint(0xb9, 1) === 1,
    isDefault: uint(0x88, 1) === 1,
    order: counts[kind]++,
    pixels: readPixels(body(0xe0)),
    defaultDuration: uint(0x23e383, 0),
    codecDelay: uint(0x56aa, 0),
    sampleRateHz: readSampleRate(body(0xe1)),
    samplePrefix: readSamplePrefix(body(0x6d80)),
  };
}

/** The types are four-character codes (section 5.1.4.1.17.3). */
function readAdditions(entry: Buffer): ReadonlyMap<string, Buffer> {
  const additions = new Map<string, Buffer>();
  for (const element of listElements(entry)) {
    if (element.id !== 0x41e4) continue;
    const mapping = entry.subarray(element.body, element.end);
    const fields = readFields(mapping);
    const type = fields.get(0x41e7);
    const extra = fields.get(0x41ed);
    if (!type || !extra || type.end - type.body !== 4) continue;
    const name = mapping.toString('latin1', type.body, type.end);
    additions.set(name, Buffer.from(mapping.subarray(extra.body, extra.end)));
  }
  return additions;
}

/** Maps each id to its first element. */
function readFields(bytes: Buffer): ReadonlyMap<number, EbmlElement> {
  const fields = new Map<number, EbmlElement>();
  for (const element of listElements(bytes)) if (!fields.has(element.id)) fields.set(element.id, element);
  return fields;
}

function readPixels(video: Buffer): number {
  const fields = readFields(video);
  const [width, height] = [fields.get(0xb0), fields.get(0xba)];
  return width && height ? readUint(video, width) * readUint(video, height) : 0;
}

function readSampleRate(audio: Buffer): number {
  const field = readFields(audio).get(0xb5);
  const rate = field ? Math.round(readFloat(audio, field)) : 8_000;
  return rate >= 1 && rate <= 768_000 ? rate : 8_000;
}

/** Section 5.1.4.1.31. Header stripping is supported; tracks with encrypted or compressed frames are rejected. */
function readSamplePrefix(encodings: Buffer): Buffer {
  const prefixes: Buffer[] = [];
  for (const element of listElements(encodings)) {
    if (element.id !== 0x6240) continue;
    const encoding = encodings.subarray(element.body, element.end);
    const fields = readFields(encoding);
    const type = fields.get(0x5033);
    if (fields.has(0x5035) || (type && readUint(encoding, type) !== 0)) {
      throw encrypted();
    }
    const scope = fields.get(0x5032);
    // Bit 1 of the scope stands for the frames. mediabunny handles bit 2, the private data.
    if (scope && (readUint(encoding, scope) & 1) === 0) continue;
    const compression = fields.get(0x5034);
    const settings = compression ? encoding.subarray(compression.body, compression.end) : Buffer.alloc(0);
    const inner = readFields(settings);
    const algorithm = inner.get(0x4254);
    if (!algorithm || readUint(settings, algorithm) !== 3) {
      throw new SourceRejected(
        'structure-unsupported',
        'The frames of this file are compressed inside Matroska. Rewrite it without compression ("mkvmerge --compression -1:none" or "ffmpeg -c copy"), and upload the result.',
      );
    }
    const bytes = inner.get(0x4255);
    if (bytes) prefixes.unshift(Buffer.from(settings.subarray(bytes.body, bytes.end)));
  }
  const prefix = Buffer.concat(prefixes);
  if (prefix.length > MAX_PREFIX_BYTES) throw damaged('the frame header of a track is too long');
  return prefix;
}

export const encrypted = (): SourceRejected =>
  new SourceRejected('protected', 'This video is encrypted. Upload a version without copy protection.');
