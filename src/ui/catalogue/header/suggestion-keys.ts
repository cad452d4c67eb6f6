/** Which suggestion is active after a key (ARIA APG, editable combobox with list autocomplete). Pure. */

/** -1: none is active, and the keys edit the text. */
export function moveActive(key: string, active: number, count: number): number | undefined {
  if (count === 0) return undefined;
  if (key === 'ArrowDown') return active >= count - 1 ? -1 : active + 1;
  if (key === 'ArrowUp') return active <= -1 ? count - 1 : active - 1;
  return undefined;
}
