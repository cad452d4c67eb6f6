/** Which rungs a source gets (pure): never above its own size, never what would not be lighter than what is there already. */

export const CODECS = ['h264', 'hevc', 'av1'] as const;
export type LadderCodec = (typeof CODECS)[number];

/** One line of the ladder's configuration. */
export interface LadderEntry {
  readonly codec: LadderCodec;
  /** Of the shorter side, pixels: 720 is 1280 × 720, or 720 × 1280 of a film held upright. */
  readonly lines: number;
  /** At most, in thousand bits per second. */
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
  /** Of the source rendition that is published beside the rungs; undefined where there is none. */
  readonly published?: { readonly isH264: boolean; readonly averageBps: number } | undefined;
}

/** A rung of the source's own size must be this much lighter than the source itself. */
const WORTH_IT = 0.75;
const LEAST_KBPS = 150;
/** A rung of so much of the source's lines shows about as much as the source. */
const NEAR = 0.85;

export const DEFAULT_LADDER: readonly LadderEntry[] = [
  { codec: 'h264', lines: 1080, kbps: 5_000 },
  { codec: 'h264', lines: 720, kbps: 2_800 },
  { codec: 'h264', lines: 360, kbps: 800 },
];

/** What the encoder is called. */
export const ENCODERS: Readonly<Record<LadderCodec, string>> = {
  h264: 'libx264',
  hevc: 'libx265',
  // SVT-AV1 (1.4) begins no picture anew where it is asked to, so its segments would not end where those of other rungs do.
  av1: 'libaom-av1',
};

/** From the largest to the smallest, H.264 before the others. */
export function chooseRenditions(
  ladder: readonly LadderEntry[],
  source: LadderSource,
): readonly LadderRendition[] {
  const shorter = Math.min(source.width, source.height);
  const rungs = new Map<string, LadderRendition>();
  for (const codec of CODECS) {
    const lines = ladder.filter(rung => rung.codec === codec).toSorted((a, b) => b.lines - a.lines);
    for (const [index, line] of lines.entries()) {
      // Of the lines above the source one may serve, at the source's own size, where the next line is far below it.
      const next = lines[index + 1]?.lines ?? 0;
      if (line.lines > shorter && next >= shorter * NEAR) continue;
      const rung = sizeRendition(line, source);
      if (isWorthIt(rung, source)) rungs.set(rung.id, rung);
    }
  }
  return [...rungs.values()];
}

/** The first rung of a source that cannot be played as it is: the lowest line of H.264. */
export function chooseFirstRendition(ladder: readonly LadderEntry[], source: LadderSource): LadderRendition {
  const lines = [...ladder, ...DEFAULT_LADDER].filter(rung => rung.codec === 'h264');
  const configured = ladder.filter(rung => rung.codec === 'h264');
  const lowest = (configured.length > 0 ? configured : lines).reduce((a, b) => (b.lines < a.lines ? b : a));
  return sizeRendition(lowest, source);
}

function sizeRendition({ codec, lines, kbps }: LadderEntry, source: LadderSource): LadderRendition {
  const shorter = Math.min(source.width, source.height);
  const scale = Math.min(1, lines / shorter);
  const width = even(source.width * scale);
  const height = even(source.height * scale);
  return {
    id: `${codec}-${Math.min(lines, shorter)}`,
    codec,
    width,
    height,
    kbps: capBitrate(kbps, scale, source),
  };
}

/** A small film of few bits needs fewer still at a smaller size. */
function capBitrate(kbps: number, scale: number, { published }: LadderSource): number {
  if (!published?.isH264) return kbps;
  return Math.min(kbps, Math.max(LEAST_KBPS, Math.round((published.averageBps / 1_000) * scale)));
}

function isWorthIt(rung: LadderRendition, { width, height, published }: LadderSource): boolean {
  if (!published) return true;
  const isSameSize = rung.width >= even(width) && rung.height >= even(height);
  if (!isSameSize) return true;
  return !published.isH264 || rung.kbps * 1_000 < published.averageBps * WORTH_IT;
}

/** Rounded so that 4:2:0 colour fits and nothing is above the source's size. */
const even = (length: number): number => Math.max(2, 2 * Math.floor((length + 1e-6) / 2));
