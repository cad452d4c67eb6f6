/** Reads Matroska and WebM sources (RFC 9559) in one pass over the headers of clusters and blocks, without reading frames. */

import { damaged, SourceRejected, truncated } from '../../source-rejected.ts';
import type { FileBytes } from '../source/file-bytes.ts';
import { MAX_SAMPLES, SampleColumns, type Samples, sliceSamples, tooManySamples } from '../source/samples.ts';
import type { IndexedSource, SourceTrack } from '../source/source-track.ts';
import { chooseFrameClock, readOpusTicks, snapTimes } from './audio-frames.ts';
import { readBlock } from './blocks.ts';
import {
  type EbmlElement,
  formatElement,
  listElements,
  readElementHeader,
  readFloat,
  readString,
  readUint,
} from './ebml.ts';
import { encrypted, type MatroskaTrack, readTracks } from './track-entries.ts';

const EBML = 0x1a45dfa3;
const DOC_TYPE = 0x4282;
const SEGMENT = 0x18538067;
const INFO = 0x1549a966;
const TIMESTAMP_SCALE = 0x2ad7b1;
const DURATION = 0x4489;
const TRACKS = 0x1654ae6b;
const CLUSTER = 0x1f43b675;
const TIMESTAMP = 0xe7;
const SIMPLE_BLOCK = 0xa3;
const BLOCK_GROUP = 0xa0;
const BLOCK = 0xa1;
const BLOCK_DURATION = 0x9b;
const REFERENCE_BLOCK = 0xfb;
const ENCRYPTED_BLOCK = 0xaf;
/** Children of the segment. Each of them ends a cluster of unknown size (RFC 9559, section 4.5). */
const SEGMENT_CHILDREN = new Set([
  0x114d9b74,
  INFO,
  TRACKS,
  CLUSTER,
  0x1c53bb6b,
  0x1254c367,
  0x1941a469,
  0x1043a770,
]);

const MAX_HEADER_BYTES = 4 * 2 ** 20;
const MAX_ELEMENTS = 50_000_000;
const NANOSECONDS = 1_000_000_000;
const HEAD_SAMPLE_BYTES = 64 * 1024;

/** @throws SourceRejected if the file is malformed, incomplete, encrypted or of an unsupported structure */
export function indexMatroska(file: FileBytes): IndexedSource {
  const header = readElementHeader(file, 0);
  if (header?.id !== EBML) throw damaged('it has no header');
  const docType = readDocType(readWhole(file, header));
  const segment = readElementHeader(file, header.end);
  if (!segment) throw truncated('its headers are cut off');
  if (segment.id !== SEGMENT) throw damaged('its header is not followed by a segment');
  const scan = new Scan(file);
  scan.readSegment(segment);
  const tracks = scan.listTracks();
  return {
    container: docType === 'webm' ? 'WebM' : 'Matroska',
    tracks,
    isCutOff: scan.isCutOff,
    head: formatHead(file, docType, scan, tracks),
  };
}

function readWhole(file: FileBytes, element: EbmlElement): Buffer {
  const length = element.end - element.body;
  if (length > MAX_HEADER_BYTES) throw damaged('its headers are too large');
  const bytes = file.read(element.body, length);
  if (!bytes) throw truncated('its headers are cut off');
  return bytes;
}

function readDocType(header: Buffer): 'webm' | 'matroska' {
  for (const element of listElements(header)) {
    if (element.id === DOC_TYPE) {
      const docType = readString(header, element);
      if (docType === 'webm' || docType === 'matroska') return docType;
      throw new SourceRejected(
        'not-media',
        'This file is an EBML document, but not a Matroska or WebM video. Upload a video file such as MP4, MOV, MKV or WebM.',
      );
    }
  }
  return 'matroska';
}

interface ScannedTrack {
  readonly track: MatroskaTrack;
  /** Times are segment ticks until `listTracks`, and NaN for the second and later frames of a laced block. */
  readonly samples: SampleColumns;
  readonly isOpus: boolean;
  /** Duration of the last block in segment ticks, if it is given. */
  lastDuration: number | undefined;
}

class Scan {
  info: Buffer = Buffer.alloc(0);
  tracks: Buffer = Buffer.alloc(0);
  /** The file ends within an element. Everything before it was read. */
  isCutOff = false;
  readonly #file: FileBytes;
  readonly #scanned = new Map<number, ScannedTrack>();
  #timestampScale = 1_000_000;
  #elements = 0;
  #samples = 0;

  constructor(file: FileBytes) {
    this.#file = file;
  }

  readSegment(segment: EbmlElement): void {
    const file = this.#file;
    const end = Math.min(segment.end, file.sizeBytes);
    let at = segment.body;
    while (at < end) {
      const element = this.#next(at);
      if (!element) {
        // An interrupted recording may end with a byte or two of the next element.
        this.isCutOff = segment.end !== Number.POSITIVE_INFINITY;
        break;
      }
      if (element.id === CLUSTER) {
        at = this.#readCluster(element);
        continue;
      }
      if (element.end > file.sizeBytes) {
        this.isCutOff = true;
        break;
      }
      if (element.id === INFO && this.info.length === 0) {
        this.info = readWhole(file, element);
        this.#timestampScale = readTimestampScale(this.info);
      } else if (element.id === TRACKS && this.tracks.length === 0) {
        this.tracks = readWhole(file, element);
        for (const track of readTracks(this.tracks)) {
          this.#scanned.set(track.number, {
            track,
            samples: new SampleColumns(),
            isOpus: track.codecId === 'A_OPUS',
            lastDuration: undefined,
          });
        }
      }
      at = element.end;
    }
    if (segment.end !== Number.POSITIVE_INFINITY && segment.end > file.sizeBytes) this.isCutOff = true;
    if (this.isCutOff && this.#samples === 0) throw truncated('its end is missing');
  }

  #next(at: number): EbmlElement | undefined {
    if (++this.#elements > MAX_ELEMENTS) throw damaged('it consists of too many parts');
    return readElementHeader(this.#file, at);
  }

  /** @returns the position after the cluster */
  #readCluster(cluster: EbmlElement): number {
    if (cluster.end !== Number.POSITIVE_INFINITY && cluster.end > this.#file.sizeBytes) this.isCutOff = true;
    const end = Math.min(cluster.end, this.#file.sizeBytes);
    let at = cluster.body;
    let time = 0;
    while (at < end) {
      const element = this.#next(at);
      if (!element) {
        if (end === this.#file.sizeBytes) {
          this.isCutOff = true;
          return end;
        }
        throw damaged('an element is larger than the one around it');
      }
      if (cluster.end === Number.POSITIVE_INFINITY && SEGMENT_CHILDREN.has(element.id)) return at;
      if (element.end > end) {
        if (end < this.#file.sizeBytes) throw damaged('an element is larger than the one around it');
        this.isCutOff = true;
        return end;
      }
      if (element.id === TIMESTAMP) time = this.#readUint(element);
      else if (element.id === SIMPLE_BLOCK) this.#addBlock(time, element, undefined, undefined);
      else if (element.id === BLOCK_GROUP) this.#readGroup(time, element);
      else if (element.id === ENCRYPTED_BLOCK) {
        throw encrypted();
      }
      at = element.end;
    }
    return end;
  }

  #readUint(element: EbmlElement): number {
    const bytes = this.#file.peek(element.body, Math.min(9, element.end - element.body));
    return readUint(bytes, { id: element.id, body: 0, end: bytes.length });
  }

  /** RFC 9559, section 5.1.3.5. A block without a reference to another block is a sync sample. */
  #readGroup(clusterTime: number, group: EbmlElement): void {
    let block: EbmlElement | undefined;
    let duration: number | undefined;
    let isSync = true;
    for (let at = group.body; at < group.end; ) {
      const element = this.#next(at);
      if (!element || element.end > group.end) throw damaged('an element is larger than the one around it');
      if (element.id === BLOCK) block = element;
      else if (element.id === BLOCK_DURATION) duration = this.#readUint(element);
      else if (element.id === REFERENCE_BLOCK) isSync = false;
      at = element.end;
    }
    if (block) this.#addBlock(clusterTime, block, isSync, duration);
  }

  #addBlock(
    clusterTime: number,
    element: EbmlElement,
    isSync: boolean | undefined,
    duration: number | undefined,
  ): void {
    const block = readBlock(this.#file, element.body, element.end);
    const scanned = this.#scanned.get(block.trackNumber);
    if (!scanned) {
      if (this.tracks.length === 0) throw damaged('its frames come before the description of its tracks');
      return;
    }
    const { track, samples, isOpus } = scanned;
    if (track.kind === 'video' && block.frameSizes.length > 1)
      throw damaged('it has several video frames in one block');
    this.#samples += block.frameSizes.length;
    if (this.#samples > MAX_SAMPLES) throw tooManySamples();
    const time = clusterTime + block.time;
    scanned.lastDuration = duration;
    let at = block.framesAt;
    for (const [i, size] of block.frameSizes.entries()) {
      const shown = i === 0 ? time : Number.NaN;
      const ticks = isOpus ? this.#readOpusTicks(track, at, size) : 0;
      const sample = samples.append();
      samples.offsets[sample] = at;
      samples.sizes[sample] = size;
      samples.decodeTimes[sample] = shown;
      samples.presentationTimes[sample] = shown;
      samples.durations[sample] = ticks;
      samples.sync[sample] = track.kind === 'audio' || (isSync ?? block.isMarkedSync) ? 1 : 0;
      at += size;
    }
  }

  #readOpusTicks(track: MatroskaTrack, at: number, size: number): number {
    const bytes = this.#file.peek(at, Math.min(2, size));
    const [first = 0, second = 0] =
      track.samplePrefix.length === 0 ? bytes : Buffer.concat([track.samplePrefix, bytes]);
    return readOpusTicks(first, second);
  }

  /** Lists the tracks that have samples, with exact times. */
  listTracks(): readonly SourceTrack[] {
    return [...this.#scanned.values()].flatMap(scanned => {
      const { track } = scanned;
      if (scanned.samples.count === 0) return [];
      const samples = sliceSamples(scanned.samples, 0, scanned.samples.count);
      const timescale =
        track.kind === 'audio' ? this.#timeAudio(track, samples) : this.#timeVideo(scanned, samples);
      return [
        {
          id: track.number,
          kind: track.kind,
          codecName: track.codecId,
          isEnabled: track.isEnabled,
          isDefault: track.isDefault,
          pixels: track.pixels,
          position: { order: track.order },
          timescale,
          samples,
          samplePrefix: track.samplePrefix,
          configuration: new Map([['private', track.codecPrivate], ...track.additions]),
          matrix: undefined,
        },
      ];
    });
  }

  /** Converts presentation times to the clock of the codec. @returns the timescale */
  #timeAudio(track: MatroskaTrack, samples: Samples): number {
    const { presentationTimes, decodeTimes, durations } = samples;
    const { timescale, frameTicks } = chooseFrameClock(track.codecId, track.codecPrivate, track.sampleRateHz);
    const ratio = (this.#timestampScale * timescale) / NANOSECONDS;
    const delay = Math.round((track.codecDelay * timescale) / NANOSECONDS);
    if (frameTicks > 0) durations.fill(frameTicks);
    for (let i = 0; i < presentationTimes.length; i++)
      presentationTimes[i] = Math.round(presentationTimes[i]! * ratio);
    // Each of two neighbouring times may be rounded by half a segment tick; some writers truncate instead.
    snapTimes(presentationTimes, durations, Math.ceil(ratio * 1.5) + 1);
    for (let i = 0; i < presentationTimes.length; i++) {
      presentationTimes[i] = presentationTimes[i]! - delay;
      decodeTimes[i] = presentationTimes[i]!;
    }
    return timescale;
  }

  /** Keeps presentation times; decode times are the same times in ascending order. @returns the timescale */
  #timeVideo({ track, lastDuration }: ScannedTrack, samples: Samples): number {
    const { presentationTimes, decodeTimes, durations } = samples;
    const { timescale, ticks } = chooseVideoClock(this.#timestampScale);
    for (let i = 0; i < presentationTimes.length; i++)
      presentationTimes[i] = Math.round(presentationTimes[i]! * ticks);
    decodeTimes.set(presentationTimes);
    decodeTimes.sort();
    const count = decodeTimes.length;
    const usual = Math.round((track.defaultDuration * timescale) / NANOSECONDS);
    const last = decodeTimes[count - 1] ?? 0;
    const step = count > 1 ? last - decodeTimes[count - 2]! : 0;
    durations.fill(Math.min(usual || step || 1, timescale * 60));
    const rest = Math.round((readDuration(this.info) ?? 0) * ticks) - last;
    if (lastDuration !== undefined)
      durations[count - 1] = Math.min(Math.round(lastDuration * ticks), timescale * 60);
    // The file ends with its longest track. If that is this one, its last frame is shown until then.
    else if (usual === 0 && rest > 0 && rest < step) durations[presentationTimes.indexOf(last)] = rest;
    return timescale;
  }
}

/** Returns ticks per second and ticks per segment tick. Times stay exact if the segment's clock divides the second. */
function chooseVideoClock(timestampScale: number): { readonly timescale: number; readonly ticks: number } {
  const perSecond = NANOSECONDS / timestampScale;
  if (Number.isInteger(perSecond) && perSecond <= 1_000_000) return { timescale: perSecond, ticks: 1 };
  // With a finer clock than microseconds, a duration of more than four seconds would not fit into 32 bits.
  return { timescale: 1_000_000, ticks: timestampScale / 1_000 };
}

function readTimestampScale(info: Buffer): number {
  for (const element of listElements(info)) {
    if (element.id !== TIMESTAMP_SCALE) continue;
    const scale = readUint(info, element);
    if (scale < 1 || scale > NANOSECONDS) throw damaged('its timestamp scale is invalid');
    return scale;
  }
  return 1_000_000;
}

/** The declared duration of the file in segment ticks (RFC 9559, section 5.1.2.10). */
function readDuration(info: Buffer): number | undefined {
  for (const element of listElements(info)) if (element.id === DURATION) return readFloat(info, element);
  return undefined;
}

/** Formats a tiny file with the headers and the first sync sample of each track, from which the codecs are described. */
function formatHead(file: FileBytes, docType: string, scan: Scan, tracks: readonly SourceTrack[]): Buffer {
  const blocks = tracks.flatMap(({ id, samples }) => {
    const i = Math.max(0, samples.sync.indexOf(1));
    const bytes = file.read(samples.offsets[i]!, Math.min(samples.sizes[i]!, HEAD_SAMPLE_BYTES));
    // Track numbers of more than 14 bits would need a longer form. No known writer uses them.
    if (!bytes || id >= 2 ** 14 - 1) return [];
    return [formatElement(SIMPLE_BLOCK, Buffer.from([0x40 | (id >> 8), id & 0xff, 0, 0, 0x80]), bytes)];
  });
  return Buffer.concat([
    formatElement(EBML, formatElement(DOC_TYPE, Buffer.from(docType))),
    formatElement(
      SEGMENT,
      formatElement(INFO, scan.info),
      formatElement(TRACKS, scan.tracks),
      formatElement(CLUSTER, formatElement(TIMESTAMP, Buffer.from([0])), ...blocks),
    ),
  ]);
}
