/** Finds the name that a person probably meant. */

/** Names that differ in more than a third of their characters are not similar. */
const MAX_DIFFERENCE = 1 / 3;

/** The most similar of `names`; undefined if none is similar. */
export function findNearest(text: string, names: readonly string[]): string | undefined {
  const [best] = names
    .map(name => ({ name, distance: distanceOf(text.toLowerCase(), name.toLowerCase()) }))
    .filter(
      ({ name, distance }) => distance <= Math.max(1, Math.max(text.length, name.length) * MAX_DIFFERENCE),
    )
    .sort((a, b) => a.distance - b.distance);
  return best?.name;
}

/** The number of insertions, deletions, replacements and swaps of neighbours (optimal string alignment distance). */
function distanceOf(from: string, to: string): number {
  if (Math.abs(from.length - to.length) > to.length) return from.length + to.length;
  const firstRow = Array.from({ length: to.length + 1 }, (_, index) => index);
  let [before, row] = [firstRow, firstRow];
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const isSwap = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      next[j] = Math.min(
        (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1),
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        isSwap ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    [before, row] = [row, next];
  }
  return row[to.length] ?? 0;
}
