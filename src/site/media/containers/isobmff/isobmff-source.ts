/** Reads MP4 and MOV sources, progressive or fragmented, with the index at either end (ISO/IEC 14496-12). */

import { damaged, SourceRejected, tooManyTracks, truncated } from '../../source-rejected.ts';
import type { FileBytes } from '../source/file-bytes.ts';
import { MAX_SAMPLES, type SampleColumns, type Samples, tooManySamples } from '../source/samples.ts';
import type { IndexedSource, SourceTrack } from '../source/source-track.ts';
import {
  type Box,
  findBox,
  formatBox,
  formatFullBox,
  listBoxes,
  needBody,
  readUInt64,
  u32,
  u64,
} from './box.ts';
import { applyPresentation, choosePresentation, readEdits, shiftPresentation } from './edits.ts';
import {
  type FragmentDefaults,
  type FragmentedTrack,
  readFragment,
  readFragmentDefaults,
} from './fragments.ts';
import { readSampleTables } from './sample-tables.ts';

const MAX_INDEX_BYTES = 256 * 2 ** 20;
const MAX_FRAGMENT_INDEX_BYTES = 16 * 2 ** 20;
const MAX_TOP_LEVEL_BOXES = 1_000_000;
const MAX_TRACKS = 1_000;
const MAX_NAME_BYTES = 1_024;
const MAX_DESCRIPTION_BYTES = 2 ** 20;
/** The samples of a track may take at most this many times the size of the file. */
const MAX_DATA_OVERLAP = 2;
/** Bytes of a track's first sync sample from which its codec is described. */
const HEAD_SAMPLE_BYTES = 64 * 1024;
const VISUAL_SAMPLE_ENTRY_BYTES = 78;
const KEPT_BOXES = new Set([
  ...['av1C', 'avcC', 'hvcC', 'vpcC', 'colr', 'pasp', 'clli', 'mdcv'],
  // Dolby Vision
  ...['dvcC', 'dvvC', 'dvwC'],
]);
/** The sample entries of tracks that browsers may play. */
const SERVED_ENTRIES = new Set([
  ...['avc1', 'avc3', 'hvc1', 'hev1', 'dvh1', 'dvhe', 'dva1', 'dvav', 'vp09', 'av01', 'mp4a', 'Opus', 'fLaC'],
]);
const MAX_KEPT_BOX_BYTES = 64 * 1024;

interface Layout {
  readonly brand: string;
  readonly moov: Buffer;
  readonly fragments: readonly { readonly start: number; readonly size: number }[];
  /** A box reaches beyond the end of the file. */
  readonly isCutOff: boolean;
}

/** @throws SourceRejected if the file is malformed, incomplete or of an unsupported structure */
export function indexIsobmff(file: FileBytes): IndexedSource {
  const layout = readLayout(file);
  const { moov } = layout;
  const moovBox: Box = { type: 'moov', start: 0, body: 0, end: moov.length };
  const mvhd = findBox(moov, moovBox, 'mvhd');
  if (!mvhd) throw damaged('its index has no header');
  needBody(mvhd, 24);
  const movieTimescale = moov.readUInt32BE(mvhd.body + (moov[mvhd.body] === 1 ? 20 : 12));
  if (movieTimescale === 0) throw damaged('its timescale is zero');
  const defaults = readFragmentDefaults(moov, moovBox);
  const traks: Trak[] = [];
  const counts = { video: 0, audio: 0 };
  let total = 0;
  for (const box of listBoxes(moov)) {
    if (box.type !== 'trak') continue;
    const kind = readKind(moov, box);
    const trak = kind && readTrak(moov, box, { kind, order: counts[kind]++, defaults });
    if (!trak) continue;
    if (traks.length === MAX_TRACKS) throw tooManyTracks(MAX_TRACKS);
    if (traks.some(other => other.id === trak.id)) throw damaged('two of its tracks have the same number');
    total += trak.samples.count;
    if (total > MAX_SAMPLES) throw tooManySamples();
    traks.push(trak);
  }
  readFragments(file, layout, traks);
  let { isCutOff } = layout;
  const tracks: SourceTrack[] = [];
  const heads: { trak: Trak; sample: Buffer }[] = [];
  for (const trak of traks) {
    if (trimToFile(file, trak)) isCutOff = true;
    const { samples, hiddenSamples } = placeOnTimeline(moov, trak, movieTimescale);
    if (samples.count === 0) continue;
    tracks.push({
      id: trak.id,
      kind: trak.kind,
      codecName: trak.codecName,
      isEnabled: trak.isEnabled,
      isDefault: trak.isEnabled,
      pixels: trak.pixels,
      position: { id: trak.id, order: trak.order },
      timescale: trak.timescale,
      samples,
      ...(hiddenSamples > 0 ? { hiddenSamples } : {}),
      samplePrefix: Buffer.alloc(0),
      configuration: trak.configuration,
      matrix: trak.matrix,
    });
    const sync = Math.max(0, samples.sync.subarray(0, samples.count).indexOf(1));
    const sample = file.read(samples.offsets[sync]!, Math.min(samples.sizes[sync]!, HEAD_SAMPLE_BYTES));
    heads.push({ trak, sample: sample ?? Buffer.alloc(0) });
  }
  if (isCutOff && tracks.length === 0) throw truncated('its end is missing');
  return {
    container: layout.brand === 'qt  ' ? 'MOV' : 'MP4',
    tracks,
    isCutOff,
    head: formatHead(layout.brand, moov, mvhd, heads),
  };
}

function readLayout(file: FileBytes): Layout {
  let brand = 'qt  ';
  let moov: Buffer | undefined;
  let isCutOff = false;
  const fragments: { start: number; size: number }[] = [];
  let at = 0;
  let boxes = 0;
  while (at + 8 <= file.sizeBytes) {
    if (++boxes > MAX_TOP_LEVEL_BOXES) throw damaged('it consists of too many parts');
    const header = file.peek(at, 16);
    const type = header.toString('latin1', 4, 8);
    let size = header.readUInt32BE(0);
    if (size === 1) {
      if (header.length < 16) {
        isCutOff = true;
        break;
      }
      size = readUInt64(header, 8);
      if (size < 16) throw damaged('a box has no size');
    } else if (size === 0) size = file.sizeBytes - at;
    else if (size < 8) {
      // Some writers append padding that is not a box.
      if (moov) break;
      throw damaged('a box has no size');
    }
    if (at + size > file.sizeBytes) {
      isCutOff = true;
      if (type === 'moov') throw truncated('its index is cut off');
      break;
    }
    if (type === 'ftyp' && at === 0 && header.length >= 12) brand = header.toString('latin1', 8, 12);
    else if (type === 'moov' && !moov) {
      if (size > MAX_INDEX_BYTES) throw damaged('its index is too large');
      moov = readBody(file, at, size);
    } else if (type === 'moof' && moov) {
      if (size > MAX_FRAGMENT_INDEX_BYTES) throw damaged('a fragment has too large an index');
      fragments.push({ start: at, size });
    }
    at += size;
  }
  if (!moov) {
    throw isCutOff
      ? truncated('it ends before the index that players need')
      : damaged('it has no index ("moov")');
  }
  return { brand, moov, fragments, isCutOff };
}

function readBody(file: FileBytes, start: number, size: number): Buffer {
  const headerBytes = file.peek(start, 4).readUInt32BE(0) === 1 ? 16 : 8;
  const body = file.read(start + headerBytes, size - headerBytes);
  if (!body) throw truncated('its index is cut off');
  return body;
}

interface Trak extends FragmentedTrack {
  readonly id: number;
  readonly timescale: number;
  readonly codecName: string;
  readonly isEnabled: boolean;
  /** Index among the tracks of this kind. */
  readonly order: number;
  readonly pixels: number;
  readonly hasComposition: boolean;
  /** The index holds samples: not all samples are in fragments. */
  readonly isProgressive: boolean;
  readonly edts: Box | undefined;
  readonly configuration: ReadonlyMap<string, Buffer>;
  readonly matrix: readonly number[] | undefined;
  readonly boxes: {
    readonly tkhd: Box;
    readonly mdhd: Box;
    readonly hdlr: Box;
    readonly stsd: Box;
    /** The name of the track. */
    readonly name: Box | undefined;
  };
}

/** @returns undefined for a track that is neither video nor audio */
function readKind(moov: Buffer, trak: Box): 'video' | 'audio' | undefined {
  const hdlr = findBox(moov, trak, 'mdia', 'hdlr');
  if (!hdlr) return undefined;
  needBody(hdlr, 12);
  const handler = moov.toString('latin1', hdlr.body + 8, hdlr.body + 12);
  return handler === 'vide' ? 'video' : handler === 'soun' ? 'audio' : undefined;
}

interface TrakContext {
  readonly kind: 'video' | 'audio';
  /** Index among the tracks of this kind. */
  readonly order: number;
  readonly defaults: ReadonlyMap<number, FragmentDefaults>;
}

/** @returns undefined for a track without the boxes that describe it */
function readTrak(moov: Buffer, trak: Box, { kind, order, defaults }: TrakContext): Trak | undefined {
  const tkhd = findBox(moov, trak, 'tkhd');
  const mdia = findBox(moov, trak, 'mdia');
  const mdhd = findBox(moov, mdia, 'mdhd');
  const hdlr = findBox(moov, mdia, 'hdlr');
  const minf = findBox(moov, mdia, 'minf');
  const stbl = findBox(moov, minf, 'stbl');
  const stsd = findBox(moov, stbl, 'stsd');
  if (!tkhd || !mdhd || !hdlr || !stbl || !stsd) return undefined;

  const isLong = moov[tkhd.body] === 1;
  needBody(tkhd, isLong ? 96 : 84);
  const id = moov.readUInt32BE(tkhd.body + (isLong ? 20 : 12));
  const matrixAt = tkhd.body + (isLong ? 52 : 40);
  const isLongMdhd = moov[mdhd.body] === 1;
  needBody(mdhd, isLongMdhd ? 34 : 22);
  const timescale = moov.readUInt32BE(mdhd.body + (isLongMdhd ? 20 : 12));
  if (timescale === 0) throw damaged('the timescale of a track is zero');

  rejectExternalData(moov, findBox(moov, minf, 'dinf', 'dref'));
  const entry = readSampleEntry(moov, stsd, kind);
  // Of a track that must be converted anyway, one sample suffices: uncompressed audio has millions.
  const maxSamples = SERVED_ENTRIES.has(entry.type) ? Number.POSITIVE_INFINITY : 1;
  const { samples, hasComposition } = readSampleTables(moov, stbl, maxSamples);
  const last = samples.count - 1;
  return {
    id,
    kind,
    timescale,
    codecName: entry.type,
    isEnabled: (moov[tkhd.body + 3]! & 1) === 1,
    order,
    pixels: entry.pixels,
    hasComposition,
    isProgressive: samples.count > 0,
    edts: findBox(moov, trak, 'edts', 'elst'),
    configuration: entry.configuration,
    matrix:
      kind === 'video' ? Array.from({ length: 9 }, (_, i) => moov.readInt32BE(matrixAt + i * 4)) : undefined,
    boxes: { tkhd, mdhd, hdlr, stsd, name: findBox(moov, trak, 'udta', 'name') },
    defaults: defaults.get(id) ?? { duration: 0, size: 0, flags: 0 },
    samples,
    nextDecodeTime: last < 0 ? 0 : samples.decodeTimes[last]! + samples.durations[last]!,
  };
}

/** Section 8.7.2. A data reference that is not "in this file" would point to another file on this machine. */
function rejectExternalData(moov: Buffer, dref: Box | undefined): void {
  if (!dref) return;
  needBody(dref, 8);
  for (const entry of listBoxes(moov, dref.body + 8, dref.end)) {
    needBody(entry, 4);
    if ((moov[entry.body + 3]! & 1) === 0) {
      throw new SourceRejected(
        'structure-unsupported',
        'The video or audio of this file is stored in another file (a reference movie). Export it as one self-contained file, and upload that.',
      );
    }
  }
}

/** Section 8.5.2. The first description applies: `readSampleTables` rejects the use of another. */
function readSampleEntry(
  moov: Buffer,
  stsd: Box,
  kind: 'video' | 'audio',
): { type: string; pixels: number; configuration: ReadonlyMap<string, Buffer> } {
  if (stsd.end - stsd.start > MAX_DESCRIPTION_BYTES) throw damaged('the description of a track is too large');
  needBody(stsd, 8);
  const configuration = new Map<string, Buffer>();
  for (const entry of listBoxes(moov, stsd.body + 8, stsd.end)) {
    let pixels = 0;
    if (kind === 'video' && entry.end - entry.body >= VISUAL_SAMPLE_ENTRY_BYTES) {
      pixels = moov.readUInt16BE(entry.body + 24) * moov.readUInt16BE(entry.body + 26);
      for (const box of listBoxes(moov, entry.body + VISUAL_SAMPLE_ENTRY_BYTES, entry.end)) {
        if (!KEPT_BOXES.has(box.type) || box.end - box.body > MAX_KEPT_BOX_BYTES) continue;
        configuration.set(box.type, Buffer.from(moov.subarray(box.body, box.end)));
      }
    }
    return { type: entry.type, pixels, configuration };
  }
  throw damaged('a track has no description');
}

function readFragments(file: FileBytes, layout: Layout, traks: readonly Trak[]): void {
  const byId = new Map(traks.map(trak => [trak.id, trak]));
  for (const { start, size } of layout.fragments) {
    const bytes = file.read(start, size);
    if (!bytes) throw truncated('a fragment is cut off');
    readFragment(bytes, start, byId);
    if (traks.reduce((sum, trak) => sum + trak.samples.count, 0) > MAX_SAMPLES) throw tooManySamples();
  }
}

/**
 * Drops the samples that lie after the end of the file.
 *
 * @returns true if there are any
 * @throws SourceRejected if no sample is left, other samples follow them, or the samples together are far larger than the file
 */
function trimToFile(file: FileBytes, { kind, samples }: Trak): boolean {
  const { count, offsets, sizes }: SampleColumns = samples;
  let kept = count;
  let bytes = 0;
  for (let i = 0; i < count; i++) {
    // This form of the comparison also rejects NaN.
    const isInFile = offsets[i]! + sizes[i]! <= file.sizeBytes;
    if (!isInFile) kept = Math.min(kept, i);
    else if (kept < i) throw damaged(`its index places parts of its ${kind} track outside of the file`);
    bytes += isInFile ? sizes[i]! : 0;
  }
  if (bytes > file.sizeBytes * MAX_DATA_OVERLAP)
    throw damaged('its index refers to the same data again and again');
  if (kept === 0 && count > 0) throw truncated(`all of its ${kind} track is missing`);
  samples.count = kept;
  return kept < count;
}

interface PlacedSamples {
  readonly samples: Samples;
  /** How many of them the edit list hides. */
  readonly hiddenSamples: number;
}

/** Moves a track's samples to the source's timeline. */
function placeOnTimeline(moov: Buffer, trak: Trak, movieTimescale: number): PlacedSamples {
  const { samples } = trak;
  // Of a track that is not served, only one sample was read, which the edit list may hide.
  if (!SERVED_ENTRIES.has(trak.codecName)) return { samples, hiddenSamples: 0 };
  const presentation = choosePresentation(readEdits(moov, trak.edts), trak.timescale, movieTimescale);
  if (!presentation || samples.count === 0) return { samples, hiddenSamples: 0 };
  const { delay, mediaTime, duration } = presentation;
  if (trak.isProgressive) {
    const kept = applyPresentation(trak, presentation);
    return { samples: kept, hiddenSamples: countHidden(kept, delay, delay + duration) };
  }
  // The edit list of a fragmented file only shifts samples and trims none, as in ffmpeg's reader.
  shiftPresentation(samples, delay - mediaTime);
  return { samples, hiddenSamples: countHidden(samples, delay, Number.POSITIVE_INFINITY) };
}

function countHidden({ count, presentationTimes }: Samples, start: number, end: number): number {
  let hidden = 0;
  for (let i = 0; i < count; i++) if (presentationTimes[i]! < start || presentationTimes[i]! >= end) hidden++;
  return hidden;
}

/** Formats a tiny file with the headers and the first sync sample of each track, from which the codecs are described. */
function formatHead(
  brand: string,
  moov: Buffer,
  mvhd: Box,
  heads: readonly { readonly trak: Trak; readonly sample: Buffer }[],
): Buffer {
  const copy = (box: Box): Buffer => moov.subarray(box.start, box.end);
  const ftyp = formatBox('ftyp', Buffer.from(brand, 'latin1'), u32(0));
  const format = (mdatBody: number): Buffer => {
    let offset = mdatBody;
    const traks = heads.map(({ trak, sample }) => {
      const stbl = formatBox(
        'stbl',
        copy(trak.boxes.stsd),
        formatFullBox('stts', 0, 0, u32(1, 1, 1)),
        formatFullBox('stsc', 0, 0, u32(1, 1, 1, 1)),
        formatFullBox('stsz', 0, 0, u32(0, 1, sample.length)),
        formatFullBox('co64', 0, 0, u32(1), u64(offset)),
      );
      offset += sample.length;
      const mdia = formatBox('mdia', copy(trak.boxes.mdhd), copy(trak.boxes.hdlr), formatBox('minf', stbl));
      const { tkhd, name } = trak.boxes;
      const udta = name && name.end - name.start < MAX_NAME_BYTES ? [formatBox('udta', copy(name))] : [];
      return formatBox('trak', copy(tkhd), mdia, ...udta);
    });
    return Buffer.concat([ftyp, formatBox('moov', copy(mvhd), ...traks)]);
  };
  // Offsets have a fixed width, so both passes have the same length.
  const headers = format(format(0).length + 8);
  return Buffer.concat([headers, formatBox('mdat', ...heads.map(head => head.sample))]);
}
