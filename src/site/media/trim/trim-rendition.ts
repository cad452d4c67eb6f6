/**
 * Trims one rendition without encoding (pure, except for reading the index). Its first segment begins at the last sync sample before
 * the mark. The frames between the two are needed for decoding only: they get times within the first millisecond, and players start
 * after it. Browsers drop frames that lie less than a millisecond apart, and drop frames at negative times together with all that
 * depends on them, so no other times would do (docs/decisions/0020).
 */
import type { Samples } from '../containers/containers.ts';
import { cmafSegmentBytes } from '../containers/containers.ts';
import {
  type IndexedRendition,
  measureBandwidth,
  type PlannedSegment,
  type RenditionToIndex,
} from '../index/source-index.ts';

/** Seconds on the timeline of the untrimmed video. */
export interface TrimRange {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

/** Marks are in milliseconds, but frames begin between them. */
export const TOLERANCE_SECONDS = 0.000_6;
/** A shorter part at either end joins the segment next to it: players treat so little as already buffered. */
const MIN_SEGMENT_SECONDS = 0.5;
/** Frames that are only decoded are this far apart: browsers count microseconds. */
const MICROSECOND = 1e-6;
/** The first frame that is shown begins so late if frames before it are only decoded. */
const LEAD_IN_SECONDS = 0.001;
/** Audio decoders need what comes before: one packet, or 80 ms for Opus (RFC 7845, section 4.6). */
const AUDIO_LEAD_IN_SECONDS = { aac: 0.03, opus: 0.08, flac: 0 } as const;

export interface Timed {
  readonly samples: Samples;
  /** Presentation times in ticks, without the edit. */
  readonly shownAt: Float64Array;
  readonly firstSegment: number;
  readonly lastSegment: number;
  /** Number of the first sample in the index. */
  readonly firstSample: number;
}

/** The segments that contain a range, and the times of their samples. */
export async function readRange(
  indexed: IndexedRendition,
  { startSeconds, endSeconds }: TrimRange,
): Promise<Timed> {
  const { timescale, segmentCount, editMediaTime } = indexed.header;
  const at = (seconds: number): number => {
    let number = 0;
    while (number + 1 < segmentCount && (indexed.findSegment(number + 1)?.start ?? 0) <= seconds * timescale)
      number++;
    return number;
  };
  const firstSegment = at(Math.max(0, startSeconds));
  const lastSegment = Math.max(firstSegment, at(endSeconds - TOLERANCE_SECONDS));
  const first = indexed.findSegment(firstSegment);
  const last = indexed.findSegment(lastSegment);
  if (!first || !last) throw new Error('the index has no segments');
  const count = last.firstSample + last.sampleCount - first.firstSample;
  const samples = {
    count,
    files: new Uint16Array(count),
    offsets: new Float64Array(count),
    sizes: new Uint32Array(count),
    decodeTimes: new Float64Array(count),
    presentationTimes: new Float64Array(count),
    durations: new Uint32Array(count),
    sync: new Uint8Array(count),
  };
  const shownAt = new Float64Array(count);
  let decodeTime = first.decodeTime;
  for await (const block of indexed.readColumns(first.firstSample, first.firstSample + count)) {
    for (let i = 0; i < block.count; i++) {
      const to = block.first + i - first.firstSample;
      const record = i * (block.records.length / block.count);
      samples.offsets[to] = block.records.readUIntLE(record, 6);
      samples.files[to] = block.records.readUInt16LE(record + 6);
      samples.sizes[to] = block.sizes[i] ?? 0;
      samples.sync[to] = block.sync[i] ?? 0;
      samples.durations[to] = block.durations[i] ?? 0;
      samples.decodeTimes[to] = decodeTime - editMediaTime;
      shownAt[to] = decodeTime + (block.compositionOffsets[i] ?? 0) - editMediaTime;
      decodeTime += block.durations[i] ?? 0;
    }
  }
  return { samples, shownAt, firstSegment, lastSegment, firstSample: first.firstSample };
}

export interface TrimmedRendition extends RenditionToIndex {
  /** When the first frame is shown; 0 if nothing precedes it. */
  readonly shownFromSeconds: number;
}

/** @returns undefined if the rendition has nothing in this range */
export async function trimRendition(
  indexed: IndexedRendition,
  range: TrimRange,
): Promise<TrimmedRendition | undefined> {
  const isVideo = indexed.header.description.kind === 'video';
  const lead = isVideo ? 0 : leadInOf(indexed);
  const timed = await readRange(indexed, { ...range, startSeconds: range.startSeconds - lead });
  const kept = isVideo ? keepFrames(indexed, timed, range) : keepPackets(indexed, timed, { range, lead });
  return kept && toTrimmed(indexed, timed, { range, kept });
}

const leadInOf = ({ header: { description } }: IndexedRendition): number =>
  description.kind === 'audio' ? AUDIO_LEAD_IN_SECONDS[description.family] : 0;

interface KeptSamples {
  /** The kept samples are those from `first` up to, but not including, `end`. */
  readonly first: number;
  readonly end: number;
  readonly timescale: number;
  /** New times in ticks of `timescale`, of the kept samples. */
  readonly decodeTimes: Float64Array;
  readonly shownAt: Float64Array;
  readonly shownFromTicks: number;
  /** Numbers of the kept samples that are only decoded, because they are shown after the end. */
  readonly hidden: readonly number[];
}

function keepFrames(
  { header }: IndexedRendition,
  { samples, shownAt }: Timed,
  { startSeconds, endSeconds }: TrimRange,
): KeptSamples | undefined {
  const start = startSeconds * header.timescale;
  const end = endSeconds * header.timescale;
  const tolerance = TOLERANCE_SECONDS * header.timescale;
  let first = 0;
  let last = -1;
  let markAt = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < samples.count; i++) {
    const time = shownAt[i] ?? 0;
    if (time <= start + tolerance) {
      if (samples.sync[i] === 1) first = i;
      markAt = Math.max(markAt, time);
    }
    if (time < end - tolerance) last = i;
  }
  if (last < first) return undefined;
  const before: number[] = [];
  const hidden: number[] = [];
  let lastShown = 0;
  for (let i = first; i <= last; i++) {
    const time = shownAt[i] ?? 0;
    if (time < markAt) before.push(i - first);
    else if (time >= end - tolerance) hidden.push(i - first);
    else lastShown = Math.max(lastShown, time);
  }
  const byTime = (a: number, b: number): number => (shownAt[first + a] ?? 0) - (shownAt[first + b] ?? 0);
  before.sort(byTime);
  hidden.sort(byTime);
  const factor =
    before.length + hidden.length > 0 ? Math.max(1, Math.ceil(1 / MICROSECOND / header.timescale)) : 1;
  const timescale = header.timescale * factor;
  const step = Math.ceil(MICROSECOND * timescale);
  const leadIn = Math.max(Math.ceil(LEAD_IN_SECONDS * timescale), (before.length + 1) * step);
  const shownFromTicks = before.length === 0 ? 0 : leadIn;
  const count = last + 1 - first;
  const toTicks = (time: number): number => Math.round((time - start) * factor);
  const times = Float64Array.from({ length: count }, (_, i) => {
    const time = shownAt[first + i] ?? 0;
    return time === markAt ? shownFromTicks : Math.max(0, toTicks(time));
  });
  for (const [rank, i] of before.entries()) times[i] = rank * step;
  // They come before the last frame, which therefore stays on the screen.
  for (const [rank, i] of hidden.entries()) times[i] = toTicks(lastShown) - (hidden.length - rank) * step;
  const decodeTimes = new Float64Array(count);
  for (let i = 1; i < count; i++)
    decodeTimes[i] = Math.max((decodeTimes[i - 1] ?? 0) + step, toTicks(samples.decodeTimes[first + i] ?? 0));
  return { first, end: last + 1, timescale, decodeTimes, shownAt: times, shownFromTicks, hidden };
}

function keepPackets(
  { header: { timescale } }: IndexedRendition,
  { samples, shownAt }: Timed,
  { range, lead }: { readonly range: TrimRange; readonly lead: number },
): KeptSamples | undefined {
  const start = Math.round(range.startSeconds * timescale);
  let first = 0;
  let end = 0;
  for (let i = 0; i < samples.count; i++) {
    if ((shownAt[i] ?? 0) <= start - lead * timescale) first = i;
    if ((shownAt[i] ?? 0) < range.endSeconds * timescale) end = i + 1;
  }
  if (end <= first || (shownAt[end - 1] ?? 0) + (samples.durations[end - 1] ?? 0) <= start) return undefined;
  const times = Float64Array.from({ length: end - first }, (_, i) => (shownAt[first + i] ?? 0) - start);
  const decodeStart = Math.max(0, times[0] ?? 0);
  const decodeTimes = Float64Array.from(
    { length: end - first },
    (_, i) => decodeStart + (samples.decodeTimes[first + i] ?? 0) - (samples.decodeTimes[first] ?? 0),
  );
  return { first, end, timescale, decodeTimes, shownAt: times, shownFromTicks: 0, hidden: [] };
}

function toTrimmed(
  indexed: IndexedRendition,
  timed: Timed,
  { range, kept }: { readonly range: TrimRange; readonly kept: KeptSamples },
): TrimmedRendition {
  const { header } = indexed;
  const { first, end, timescale, decodeTimes, shownAt } = kept;
  const count = end - first;
  const { samples: all } = timed;
  const factor = timescale / header.timescale;
  let editMediaTime = 0;
  for (let i = 0; i < count; i++)
    editMediaTime = Math.max(editMediaTime, (decodeTimes[i] ?? 0) - (shownAt[i] ?? 0));
  const presentationTimes = shownAt.map(time => time + editMediaTime);
  const samples: Samples = {
    count,
    ...(all.files ? { files: all.files.subarray(first, end) } : {}),
    offsets: all.offsets.subarray(first, end),
    sizes: all.sizes.subarray(first, end),
    sync: all.sync.subarray(first, end),
    durations: all.durations.subarray(first, end).map(duration => duration * factor),
    decodeTimes,
    presentationTimes,
  };
  const hasComposition = presentationTimes.some((time, i) => time !== decodeTimes[i]);
  const segments = planTrimmed(indexed, timed, { range, kept, samples, hasComposition });
  const { peakBps, averageBps } = measureBandwidth(segments, timescale);
  return {
    samples,
    segments,
    shownFromSeconds: kept.shownFromTicks / timescale,
    header: {
      ...header,
      rendition: { ...header.rendition, bandwidthBps: peakBps, averageBandwidthBps: averageBps },
      timescale,
      editMediaTime,
      hasComposition,
      shownFromSeconds: undefined,
      trim: { shownFromTicks: kept.shownFromTicks, hiddenSamples: [...kept.hidden] },
      end: segments.at(-1)?.end ?? 0,
      segmentCount: segments.length,
      sampleCount: count,
    },
  };
}

interface ToPlan {
  readonly range: TrimRange;
  readonly kept: KeptSamples;
  readonly samples: Samples;
  readonly hasComposition: boolean;
}

/** The segments of the untrimmed rendition, without the parts that are cut at both ends. */
function planTrimmed(
  indexed: IndexedRendition,
  { firstSegment, lastSegment, firstSample }: Timed,
  { range, kept, samples, hasComposition }: ToPlan,
): readonly PlannedSegment[] {
  const { description, timescale, samplePrefix } = indexed.header;
  const prefixBytes = Buffer.from(samplePrefix, 'base64').length;
  const length = Math.round((range.endSeconds - range.startSeconds) * kept.timescale);
  const cuts = [{ sample: 0, start: 0 }];
  for (let number = firstSegment + 1; number <= lastSegment; number++) {
    const segment = indexed.findSegment(number);
    if (!segment) break;
    const start = Math.round((segment.start - range.startSeconds * timescale) * (kept.timescale / timescale));
    const sample = segment.firstSample - firstSample - kept.first;
    const isShort = (ticks: number): boolean => ticks < MIN_SEGMENT_SECONDS * kept.timescale;
    const isFirst = cuts.length === 1;
    if (sample <= 0 || sample >= samples.count || (isFirst && isShort(start)) || isShort(length - start))
      continue;
    cuts.push({ sample, start });
  }
  return cuts.map(({ sample, start }, index) => {
    const next = cuts[index + 1];
    const sampleCount = (next?.sample ?? samples.count) - sample;
    let dataBytes = sampleCount * prefixBytes;
    for (let i = sample; i < sample + sampleCount; i++) dataBytes += samples.sizes[i] ?? 0;
    const sizeBytes = cmafSegmentBytes(description.kind, hasComposition, sampleCount, dataBytes);
    return { firstSample: sample, sampleCount, dataBytes, sizeBytes, start, end: next?.start ?? length };
  });
}
