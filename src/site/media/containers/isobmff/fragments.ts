/** Reads movie fragments (ISO/IEC 14496-12, section 8.8) into columns of samples. */

import { damaged } from '../../source-rejected.ts';
import type { SampleColumns } from '../source/samples.ts';
import { type Box, findBox, listBoxes, needBody, readUInt64 } from './box.ts';

/** Default values for the samples of a track's fragments (`trex`, section 8.8.3). */
export interface FragmentDefaults {
  readonly duration: number;
  readonly size: number;
  readonly flags: number;
}

export interface FragmentedTrack {
  readonly kind: 'video' | 'audio';
  readonly defaults: FragmentDefaults;
  readonly samples: SampleColumns;
  /** Decode time of the next fragment if it has no `tfdt`. */
  nextDecodeTime: number;
}

const TFHD_BASE_DATA_OFFSET = 0x1;
const TFHD_SAMPLE_DESCRIPTION = 0x2;
const TFHD_DURATION = 0x8;
const TFHD_SIZE = 0x10;
const TFHD_FLAGS = 0x20;
const TFHD_BASE_IS_MOOF = 0x2_0000;
const TRUN_DATA_OFFSET = 0x1;
const TRUN_FIRST_FLAGS = 0x4;
const TRUN_DURATION = 0x100;
const TRUN_SIZE = 0x200;
const TRUN_FLAGS = 0x400;
const TRUN_COMPOSITION = 0x800;
/** `sample_is_non_sync_sample`, or `sample_depends_on` = 1 (section 8.8.3.1). */
const NOT_SYNC = 0x101_0000;

export function readFragmentDefaults(moov: Buffer, moovBox: Box): ReadonlyMap<number, FragmentDefaults> {
  const defaults = new Map<number, FragmentDefaults>();
  const mvex = findBox(moov, moovBox, 'mvex');
  if (!mvex) return defaults;
  for (const box of listBoxes(moov, mvex.body, mvex.end)) {
    if (box.type !== 'trex') continue;
    needBody(box, 24);
    defaults.set(moov.readUInt32BE(box.body + 4), {
      duration: moov.readUInt32BE(box.body + 12),
      size: moov.readUInt32BE(box.body + 16),
      flags: moov.readUInt32BE(box.body + 20),
    });
  }
  return defaults;
}

/**
 * Appends the samples of one fragment to its tracks.
 *
 * @param bytes the whole `moof` box
 * @param moofStart position of the box in the file
 * @throws SourceRejected if the fragment is malformed
 */
export function readFragment(
  bytes: Buffer,
  moofStart: number,
  tracks: ReadonlyMap<number, FragmentedTrack>,
): void {
  let implicitBase = moofStart;
  const [moof] = [...listBoxes(bytes)];
  if (!moof) return;
  for (const traf of listBoxes(bytes, moof.body, moof.end)) {
    if (traf.type !== 'traf') continue;
    const tfhd = findBox(bytes, traf, 'tfhd');
    if (!tfhd) throw damaged('a fragment names no track');
    implicitBase = readTrackFragment({ bytes, moofStart, implicitBase, traf, tfhd }, tracks);
  }
}

interface TrackFragment {
  /** The whole `moof` box. */
  readonly bytes: Buffer;
  readonly moofStart: number;
  /** Position of the data if the fragment names none: the end of the data of the track fragment before. */
  readonly implicitBase: number;
  readonly traf: Box;
  readonly tfhd: Box;
}

/** @returns the position of the next track fragment's data, unless that fragment names one (section 8.8.7.1) */
function readTrackFragment(
  { bytes, moofStart, implicitBase, traf, tfhd }: TrackFragment,
  tracks: ReadonlyMap<number, FragmentedTrack>,
): number {
  needBody(tfhd, 8);
  const flags = bytes.readUInt32BE(tfhd.body) & 0xff_ffff;
  const track = tracks.get(bytes.readUInt32BE(tfhd.body + 4));
  let at = tfhd.body + 8;
  const optional = (flag: number, length: number): number | undefined => {
    if ((flags & flag) === 0) return undefined;
    if (at + length > tfhd.end) throw damaged('its "tfhd" box is too short');
    const value = length === 8 ? readUInt64(bytes, at) : bytes.readUInt32BE(at);
    at += length;
    return value;
  };
  const explicitBase = optional(TFHD_BASE_DATA_OFFSET, 8);
  optional(TFHD_SAMPLE_DESCRIPTION, 4);
  const duration = optional(TFHD_DURATION, 4);
  const size = optional(TFHD_SIZE, 4);
  const sampleFlags = optional(TFHD_FLAGS, 4);
  const base = explicitBase ?? ((flags & TFHD_BASE_IS_MOOF) !== 0 ? moofStart : implicitBase);
  // The track is neither video nor audio and is skipped.
  if (!track) return implicitBase;
  const defaults: FragmentDefaults = {
    duration: duration ?? track.defaults.duration,
    size: size ?? track.defaults.size,
    flags: sampleFlags ?? track.defaults.flags,
  };
  const tfdt = findBox(bytes, traf, 'tfdt');
  if (tfdt) {
    const isLong = bytes[tfdt.body] === 1;
    needBody(tfdt, isLong ? 12 : 8);
    const time = isLong ? readUInt64(bytes, tfdt.body + 4) : bytes.readUInt32BE(tfdt.body + 4);
    if (!Number.isFinite(time)) throw damaged('a fragment begins at an impossible time');
    track.nextDecodeTime = time;
  }
  let data = base;
  for (const trun of listBoxes(bytes, traf.body, traf.end)) {
    if (trun.type === 'trun') data = readRun(bytes, { trun, base, data }, defaults, track);
  }
  return data;
}

/** Section 8.8.8. @returns the position after the run's data */
function readRun(
  bytes: Buffer,
  run: { readonly trun: Box; readonly base: number; readonly data: number },
  defaults: FragmentDefaults,
  track: FragmentedTrack,
): number {
  const { trun } = run;
  needBody(trun, 8);
  const flags = bytes.readUInt32BE(trun.body) & 0xff_ffff;
  const count = bytes.readUInt32BE(trun.body + 4);
  let at = trun.body + 8;
  let { data } = run;
  let firstFlags: number | undefined;
  const headerBytes = ((flags & TRUN_DATA_OFFSET) !== 0 ? 4 : 0) + ((flags & TRUN_FIRST_FLAGS) !== 0 ? 4 : 0);
  const sampleBytes =
    4 * [TRUN_DURATION, TRUN_SIZE, TRUN_FLAGS, TRUN_COMPOSITION].filter(flag => (flags & flag) !== 0).length;
  if (headerBytes + count * sampleBytes > trun.end - at)
    throw damaged('a fragment counts more samples than it holds');
  if ((flags & TRUN_DATA_OFFSET) !== 0) {
    data = run.base + bytes.readInt32BE(at);
    at += 4;
  }
  if ((flags & TRUN_FIRST_FLAGS) !== 0) {
    firstFlags = bytes.readUInt32BE(at);
    at += 4;
  }
  if (data < 0) throw damaged('a fragment points before the beginning of the file');
  const { samples } = track;
  for (let i = 0; i < count; i++) {
    let { duration, size } = defaults;
    let sampleFlags = i === 0 && firstFlags !== undefined ? firstFlags : defaults.flags;
    let composition = 0;
    if ((flags & TRUN_DURATION) !== 0) {
      duration = bytes.readUInt32BE(at);
      at += 4;
    }
    if ((flags & TRUN_SIZE) !== 0) {
      size = bytes.readUInt32BE(at);
      at += 4;
    }
    if ((flags & TRUN_FLAGS) !== 0) {
      sampleFlags = bytes.readUInt32BE(at);
      at += 4;
    }
    if ((flags & TRUN_COMPOSITION) !== 0) {
      composition = bytes.readInt32BE(at);
      at += 4;
    }
    const time = track.nextDecodeTime;
    const isSync = track.kind === 'audio' || (sampleFlags & NOT_SYNC) === 0;
    const sample = samples.append();
    samples.offsets[sample] = data;
    samples.sizes[sample] = size;
    samples.decodeTimes[sample] = time;
    samples.presentationTimes[sample] = time + composition;
    samples.durations[sample] = duration;
    samples.sync[sample] = isSync ? 1 : 0;
    data += size;
    track.nextDecodeTime = time + duration;
  }
  return data;
}
