/** Reads the sample tables of a progressive MP4 or MOV file (ISO/IEC 14496-12, sections 8.6 and 8.7) into columns. */

import { damaged, SourceRejected } from '../../source-rejected.ts';
import { MAX_SAMPLES_PER_TRACK, SampleColumns, tooManySamples } from '../source/samples.ts';
import { type Box, listBoxes, needBody, printable, readUInt64 } from './box.ts';

/**
 * Reads the tables in `stbl`. If tables disagree about the number of samples, the smallest number applies. Offsets and sizes are
 * not checked: the caller compares them with the file.
 *
 * @param maxSamples further samples are ignored
 * @returns samples in the media time of the track, before any edit list, and whether there was a composition table
 * @throws SourceRejected if a table is missing, shorter than its count, or impossible
 */
export function readSampleTables(
  moov: Buffer,
  stbl: Box,
  maxSamples: number,
): { samples: SampleColumns; hasComposition: boolean } {
  const tables = new Map<string, Box>();
  for (const box of listBoxes(moov, stbl.body, stbl.end)) {
    if (!tables.has(box.type)) tables.set(box.type, box);
  }
  const sizes = tables.get('stsz') ?? tables.get('stz2');
  const count = sizes ? readSizeCount(moov, sizes, maxSamples) : 0;
  if (!sizes || count === 0) return { samples: new SampleColumns(1), hasComposition: false };
  const samples = new SampleColumns(count);
  samples.count = count;
  readSizes(moov, sizes, samples);
  readOffsets(moov, need(tables, 'stsc'), tables.get('co64') ?? need(tables, 'stco'), samples);
  readDecodeTimes(moov, need(tables, 'stts'), samples);
  const ctts = tables.get('ctts');
  readComposition(moov, ctts, samples);
  readSync(moov, tables.get('stss'), samples);
  return { samples, hasComposition: ctts !== undefined };
}

function need(tables: ReadonlyMap<string, Box>, type: string): Box {
  const box = tables.get(type);
  if (!box) throw damaged(`its index has no "${type}" table`);
  return box;
}

/** @throws SourceRejected if the table holds fewer entries than it counts */
function readEntryCount(moov: Buffer, box: Box, countAt: number, entryBytes: number): number {
  needBody(box, countAt + 4);
  const count = moov.readUInt32BE(box.body + countAt);
  if (count * entryBytes > box.end - box.body - countAt - 4) {
    throw damaged(`its "${printable(box.type)}" table counts more entries than it holds`);
  }
  return count;
}

/** Sections 8.7.3.2 (stsz) and 8.7.3.3 (stz2). */
function readSizeCount(moov: Buffer, box: Box, maxSamples: number): number {
  needBody(box, 12);
  const count = moov.readUInt32BE(box.body + 8);
  if (Math.min(count, maxSamples) > MAX_SAMPLES_PER_TRACK) throw tooManySamples();
  const constant = moov.readUInt32BE(box.body + 4);
  const bits = box.type === 'stz2' ? constant & 0xff : constant === 0 ? 32 : 0;
  if (box.type === 'stz2' && bits !== 4 && bits !== 8 && bits !== 16)
    throw damaged('its "stz2" table is malformed');
  if (Math.ceil((count * bits) / 8) > box.end - box.body - 12) {
    throw damaged(`its "${printable(box.type)}" table counts more entries than it holds`);
  }
  return Math.min(count, maxSamples);
}

function readSizes(moov: Buffer, box: Box, samples: SampleColumns): void {
  const first = box.body + 12;
  const { count, sizes } = samples;
  const constant = moov.readUInt32BE(box.body + 4);
  if (box.type === 'stsz') {
    if (constant !== 0) sizes.fill(constant, 0, count);
    else for (let i = 0; i < count; i++) sizes[i] = moov.readUInt32BE(first + i * 4);
    return;
  }
  const bits = constant & 0xff;
  for (let i = 0; i < count; i++) {
    if (bits === 16) sizes[i] = moov.readUInt16BE(first + i * 2);
    else if (bits === 8) sizes[i] = moov[first + i]!;
    else sizes[i] = i % 2 === 0 ? moov[first + i / 2]! >> 4 : moov[first + (i - 1) / 2]! & 15;
  }
}

/** Sections 8.7.4 (stsc) and 8.7.5 (stco, co64). Shortens `samples` to the samples that lie in a chunk. */
function readOffsets(moov: Buffer, stsc: Box, stco: Box, samples: SampleColumns): void {
  const runs = readEntryCount(moov, stsc, 4, 12);
  const wide = stco.type === 'co64';
  const chunks = readEntryCount(moov, stco, 4, wide ? 8 : 4);
  const { count, offsets, sizes } = samples;
  let sample = 0;
  for (let run = 0; run < runs && sample < count; run++) {
    const at = stsc.body + 8 + run * 12;
    const firstChunk = moov.readUInt32BE(at);
    const perChunk = moov.readUInt32BE(at + 4);
    const nextFirst = run + 1 < runs ? moov.readUInt32BE(at + 12) : chunks + 1;
    if ((run === 0 && firstChunk !== 1) || nextFirst <= firstChunk) {
      if (run + 1 === runs) break;
      throw damaged('its "stsc" table is out of order');
    }
    if (moov.readUInt32BE(at + 8) > 1) {
      throw new SourceRejected(
        'structure-unsupported',
        'The encoding changes in the middle of this file. Export the video with one encoding throughout, and upload it again.',
      );
    }
    for (let chunk = firstChunk; chunk < nextFirst && chunk <= chunks && sample < count; chunk++) {
      const entry = stco.body + 8 + (chunk - 1) * (wide ? 8 : 4);
      let offset = wide ? readUInt64(moov, entry) : moov.readUInt32BE(entry);
      for (let i = 0; i < perChunk && sample < count; i++) {
        offsets[sample] = offset;
        offset += sizes[sample]!;
        sample++;
      }
    }
  }
  samples.count = sample;
}

/** Section 8.6.1.2. If the table ends early, its last delta applies to the remaining samples. */
function readDecodeTimes(moov: Buffer, box: Box, samples: SampleColumns): void {
  const entries = readEntryCount(moov, box, 4, 8);
  const { count, decodeTimes, durations } = samples;
  if (entries === 0 && count > 0) throw damaged('its "stts" table is empty');
  let time = 0;
  let sample = 0;
  for (let entry = 0; entry < entries && sample < count; entry++) {
    const at = box.body + 8 + entry * 8;
    const delta = moov.readUInt32BE(at + 4);
    if (delta >= 2 ** 31) throw damaged('its "stts" table runs backwards');
    const end = entry === entries - 1 ? count : Math.min(count, sample + moov.readUInt32BE(at));
    for (; sample < end; sample++) {
      decodeTimes[sample] = time;
      durations[sample] = delta;
      time += delta;
    }
  }
}

/** Section 8.6.1.3. Offsets are signed in version 0 too, as all writers and players treat them. */
function readComposition(moov: Buffer, box: Box | undefined, samples: SampleColumns): void {
  const { count, decodeTimes, presentationTimes } = samples;
  let sample = 0;
  if (box) {
    const entries = readEntryCount(moov, box, 4, 8);
    for (let entry = 0; entry < entries && sample < count; entry++) {
      const at = box.body + 8 + entry * 8;
      const end = Math.min(count, sample + moov.readUInt32BE(at));
      const offset = moov.readInt32BE(at + 4);
      for (; sample < end; sample++) presentationTimes[sample] = decodeTimes[sample]! + offset;
    }
  }
  for (; sample < count; sample++) presentationTimes[sample] = decodeTimes[sample]!;
}

/** Section 8.6.2. Without the table, every sample is a sync sample. */
function readSync(moov: Buffer, box: Box | undefined, samples: SampleColumns): void {
  const { count, sync } = samples;
  if (!box) {
    sync.fill(1, 0, count);
    return;
  }
  const entries = readEntryCount(moov, box, 4, 4);
  for (let entry = 0; entry < entries; entry++) {
    const number = moov.readUInt32BE(box.body + 8 + entry * 4);
    if (number >= 1 && number <= count) sync[number - 1] = 1;
  }
}
