/** Generates a drawing of joining streams for a video without a poster. The same id always gives the same drawing. Pure. */
export const DRAWING_WIDTH = 320;
export const DRAWING_HEIGHT = 180;
const STREAMS = 7;

/** The hues of water; the last two are those of silt. */
const HUES = [176, 186, 196, 206, 218, 168, 38, 28] as const;

interface Stream {
  readonly path: string;
  readonly colour: string;
  readonly width: number;
}
interface PlaceholderDrawing {
  readonly background: string;
  readonly streams: readonly Stream[];
}

/** Random numbers in [0, 1) from a text: FNV-1a, then mulberry32. */
function* randomNumbers(seed: string): Generator<number, never> {
  let state = 2_166_136_261;
  for (const character of seed) state = Math.imul(state ^ character.charCodeAt(0), 16_777_619);
  for (;;) {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    yield ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}

export function drawPlaceholder(seed: string): PlaceholderDrawing {
  const random = randomNumbers(seed);
  const between = (from: number, to: number): number => Math.round(from + random.next().value * (to - from));
  const hue = HUES[between(0, HUES.length - 1)] ?? 186;
  const isSilt = hue < 60;
  const meetX = between(150, 250);
  const meetY = between(60, 125);
  const mouthY = between(40, 145);
  const streams = Array.from({ length: STREAMS }, (_, index): Stream => {
    const fromY = Math.round((index + 0.5) * (DRAWING_HEIGHT / STREAMS) + between(-14, 14));
    const offset = (index - (STREAMS - 1) / 2) * 5;
    const bend = between(-40, 40);
    return {
      path: [
        `M-12 ${fromY}`,
        `C${between(50, 90)} ${fromY + bend} ${meetX - 70} ${meetY + offset - bend / 2} ${meetX} ${meetY + offset}`,
        `S${between(260, 285)} ${mouthY + offset} 332 ${mouthY + offset * 1.4}`,
      ].join(' '),
      colour: `hsl(${hue + index * 3} ${isSilt ? 42 : 48}% ${38 + ((index * 3) % STREAMS) * 6}%)`,
      width: 3 + ((index * 5 + between(0, 2)) % 7),
    };
  });
  return { background: `hsl(${isSilt ? 190 : hue} 46% 17%)`, streams };
}
