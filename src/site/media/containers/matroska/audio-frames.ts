/** Restores exact times from Matroska's rounded ones, by the number of audio samples in a frame of each codec (pure). */

/** A clock on which frame lengths are whole numbers, and the length of a frame; 0 if it varies or is unknown. */
interface FrameClock {
  readonly timescale: number;
  readonly frameTicks: number;
}

const AAC_RATES = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
];

export function chooseFrameClock(codecId: string, codecPrivate: Buffer, sampleRateHz: number): FrameClock {
  if (codecId.startsWith('A_AAC')) return chooseAacClock(codecPrivate, sampleRateHz);
  if (codecId === 'A_OPUS') return { timescale: 48_000, frameTicks: 0 };
  if (codecId === 'A_FLAC') return { timescale: sampleRateHz, frameTicks: readFlacBlockSize(codecPrivate) };
  return { timescale: sampleRateHz, frameTicks: 0 };
}

/** Reads the core's rate and the frame length, 1024 or 960, from AudioSpecificConfig (ISO/IEC 14496-3, section 1.6.2.1). */
function chooseAacClock(config: Buffer, sampleRateHz: number): FrameClock {
  if (config.length < 2) return { timescale: sampleRateHz, frameTicks: 1_024 };
  const bits = config.readUInt16BE(0);
  const objectType = bits >> 11;
  const timescale = AAC_RATES[(bits >> 7) & 15] ?? sampleRateHz;
  // The flag has a fixed position only in LC. Other types use 1024 in practice.
  const isShort = objectType === 2 && ((bits >> 7) & 15) !== 15 && (bits & 4) !== 0;
  return { timescale, frameTicks: isShort ? 960 : 1_024 };
}

/** Reads the block size of a stream with fixed blocks, in which minimum and maximum are equal (RFC 9639, section 8.2); else 0. */
function readFlacBlockSize(config: Buffer): number {
  const at = config.toString('latin1', 0, 4) === 'fLaC' ? 8 : 4;
  if (config.length < at + 4) return 0;
  const min = config.readUInt16BE(at);
  return min === config.readUInt16BE(at + 2) ? min : 0;
}

const OPUS_CONFIG_TICKS: readonly number[] = [
  ...[480, 960, 1_920, 2_880, 480, 960, 1_920, 2_880, 480, 960, 1_920, 2_880],
  ...[480, 960, 480, 960],
  ...[120, 240, 480, 960, 120, 240, 480, 960, 120, 240, 480, 960, 120, 240, 480, 960],
];

/** Reads the length of an Opus packet in ticks of 48 kHz from its first two bytes (RFC 6716, section 3.1). */
export function readOpusTicks(first: number, second: number): number {
  const frames = [1, 2, 2, second & 63][first & 3]!;
  return OPUS_CONFIG_TICKS[first >> 3]! * frames;
}

/**
 * Snaps each rounded time to the exact end of the frame before if rounding explains the difference. Jitter and drift disappear;
 * real gaps remain.
 *
 * @param times ticks, rounded from a coarser clock; NaN if a frame follows the one before. Changed in place.
 * @param durations ticks of each frame; 0 if unknown, and then computed from the times. Changed in place.
 * @param tolerance largest difference in ticks that rounding explains
 */
export function snapTimes(times: Float64Array, durations: Uint32Array, tolerance: number): void {
  for (let i = 1; i < times.length; i++) {
    const follows = times[i - 1]! + durations[i - 1]!;
    const isKnown = durations[i - 1]! > 0;
    if (Number.isNaN(times[i]!) || (isKnown && Math.abs(times[i]! - follows) <= tolerance))
      times[i] = follows;
    else if (times[i]! < times[i - 1]!) times[i] = times[i - 1]!;
    if (!isKnown) durations[i - 1] = times[i]! - times[i - 1]!;
  }
  const last = times.length - 1;
  if (last > 0 && durations[last] === 0) durations[last] = durations[last - 1]!;
}
