/**
 * Chooses the renditions that a source gets (pure): never larger than the source, and none that is hardly lighter than what is
 * already published.
 */

export const CODECS = ['h264', 'hevc', 'av1'] as const;
type LadderCodec = (typeof CODECS)[number];

/** One entry of the configured ladder. */
export interface LadderEntry {
  readonly codec: LadderCodec;
  /** Length of the shorter side in pixels: 720 is 1280 × 720, or 720 × 1280 for an upright video. */
  readonly lines: number;
  /** Maximum bitrate in 1,000 bits per second. */
  readonly kbps: number;
}

export interface LadderRendition {
  /** `h264-720` */
  readonly id: string;
  readonly codec: LadderCodec;
  readonly width: number;
  readonly height: number;
  readonly kbps: number;
}

export interface LadderSource {
  readonly width: number;
  readonly height: number;
  /** The published source rendition; undefined if the source cannot be played. */
  readonly published?: { readonly isH264: boolean; readonly averageBps: number } | undefined;
}

/** A rendition of the source's own size may have at most this part of its bitrate. */
const MAX_BITRATE_RATIO = 0.75;
const MIN_KBPS = 150;
/** A rendition with at least this part of the source's lines looks about as good as the source. */
const NEAR_RATIO = 0.85;

export const DEFAULT_LADDER: readonly LadderEntry[] = [
  { codec: 'h264', lines: 1080, kbps: 5_000 },
  { codec: 'h264', lines: 720, kbps: 2_800 },
  { codec: 'h264', lines: 360, kbps: 800 },
];

/** ffmpeg's name of the encoder of each codec. */
export const ENCODERS: Readonly<Record<LadderCodec, string>> = {
  h264: 'libx264',
  hevc: 'libx265',
  // SVT-AV1 (1.4) ignores forced key frames, so its segments would not align with those of other renditions.
  av1: 'libaom-av1',
};

/** The renditions of a source by codec (H.264 first), then from the largest to the smallest. */
export function chooseRenditions(
  ladder: readonly LadderEntry[],
  source: LadderSource,
): readonly LadderRendition[] {
  const shorter = Math.min(source.width, source.height);
  const renditions = new Map<string, LadderRendition>();
  for (const codec of CODECS) {
    const entries = ladder.filter(entry => entry.codec === codec).toSorted((a, b) => b.lines - a.lines);
    for (const [index, entry] of entries.entries()) {
      // An entry above the source's size is used at the source's size, if the next entry is far below it.
      const next = entries[index + 1]?.lines ?? 0;
      if (entry.lines > shorter && next >= shorter * NEAR_RATIO) continue;
      const rendition = fitRendition(entry, source);
      if (isWorthEncoding(rendition, source)) renditions.set(rendition.id, rendition);
    }
  }
  return [...renditions.values()];
}

/** The first rendition of a source that cannot be played: the lowest H.264 entry. */
export function chooseFirstRendition(ladder: readonly LadderEntry[], source: LadderSource): LadderRendition {
  const isH264 = ({ codec }: LadderEntry): boolean => codec === 'h264';
  const configured = ladder.filter(isH264);
  const entries = configured.length > 0 ? configured : DEFAULT_LADDER.filter(isH264);
  return fitRendition(
    entries.reduce((a, b) => (b.lines < a.lines ? b : a)),
    source,
  );
}

function fitRendition({ codec, lines, kbps }: LadderEntry, source: LadderSource): LadderRendition {
  const shorter = Math.min(source.width, source.height);
  const scale = Math.min(1, lines / shorter);
  return {
    id: `${codec}-${Math.min(lines, shorter)}`,
    codec,
    width: toEven(source.width * scale),
    height: toEven(source.height * scale),
    kbps: capBitrate(kbps, scale, source),
  };
}

/** A smaller rendition of a source with a low bitrate needs an even lower one. */
function capBitrate(kbps: number, scale: number, { published }: LadderSource): number {
  if (!published?.isH264) return kbps;
  return Math.min(kbps, Math.max(MIN_KBPS, Math.round((published.averageBps / 1_000) * scale)));
}

function isWorthEncoding(rendition: LadderRendition, { width, height, published }: LadderSource): boolean {
  if (!published) return true;
  const isSameSize = rendition.width >= toEven(width) && rendition.height >= toEven(height);
  if (!isSameSize) return true;
  return !published.isH264 || rendition.kbps * 1_000 < published.averageBps * MAX_BITRATE_RATIO;
}

/** Rounded down to an even number, as 4:2:0 chroma needs; at least 2. */
const toEven = (length: number): number => Math.max(2, 2 * Math.floor((length + 1e-6) / 2));
