/** A quiet picture for a video that has none of its own: flowing lines, always the same ones for the same id. */
const LINES = 5;

function* numbers(seed: string): Generator<number, number> {
  let state = 2_166_136_261;
  for (const character of seed) state = Math.imul(state ^ character.charCodeAt(0), 16_777_619);
  for (;;) {
    state =
      Math.imul(state ^ (state >>> 15), 2_246_822_519) ^ Math.imul(state ^ (state >>> 13), 3_266_489_917);
    yield (state >>> 0) / 2 ** 32;
  }
}

export function Pattern({ seed }: { readonly seed: string }) {
  const random = numbers(seed);
  const next = (from: number, to: number): number => Math.round(from + random.next().value * (to - from));
  const hue = next(165, 225);
  const lines = Array.from({ length: LINES }, (_, index) => {
    const y = 25 + index * 30;
    return `M-10 ${y + next(-20, 20)} C 90 ${y + next(-60, 60)}, 200 ${y + next(-60, 60)}, 330 ${90 + next(-18, 18)}`;
  });
  return (
    <svg viewBox="0 0 320 180" aria-hidden="true">
      <rect width="320" height="180" fill={`hsl(${hue} 45% 24%)`} />
      {lines.map((line, index) => (
        <path
          key={line}
          d={line}
          fill="none"
          stroke={`hsl(${hue + index * 6} 55% ${42 + index * 7}%)`}
          stroke-width={10 - index}
          stroke-linecap="round"
          opacity="0.75"
        />
      ))}
    </svg>
  );
}
