/** Damages files reproducibly, with a seeded generator and a few kinds of damage. */

/** Mulberry32: 32 bits of state are enough to choose bytes. @returns numbers in [0, 1) */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Damages a copy: flips bits, enlarges counts, or cuts, duplicates or blanks a piece; most of it within `focus`. */
export function mutate(bytes: Buffer, random: () => number, focus: { from: number; to: number }): Buffer {
  const pick = (below: number): number => Math.floor(random() * below);
  let out = Buffer.from(bytes);
  for (let n = 1 + pick(3); n > 0; n--) {
    const inFocus = random() < 0.7;
    const at = inFocus ? focus.from + pick(focus.to - focus.from) : pick(out.length);
    if (at + 8 >= out.length) continue;
    const length = Math.min(1 + pick(64), out.length - at);
    switch (pick(7)) {
      case 0:
        out[at]! ^= 1 << pick(8);
        break;
      case 1:
        out[at] = pick(256);
        break;
      case 2:
        out.writeUInt32BE([0, 1, 0x7fffffff, 0xffffffff, 0x80000000, pick(2 ** 32)][pick(6)]!, at);
        break;
      case 3:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at + length)]);
        break;
      case 4:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at, at + length), out.subarray(at)]);
        break;
      case 5:
        out.fill(0, at, at + length);
        break;
      default:
        out.fill(0xff, at, at + length);
    }
  }
  return out;
}
