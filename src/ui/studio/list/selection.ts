/** Which videos of a list are selected. Pure. */
export interface Selection {
  readonly ids: ReadonlySet<string>;
  /** The video that was selected last, from which Shift selects. */
  readonly anchor: string | undefined;
}

export const NOTHING_SELECTED: Selection = { ids: new Set(), anchor: undefined };

export function toggle(selection: Selection, id: string): Selection {
  const ids = new Set(selection.ids);
  if (!ids.delete(id)) ids.add(id);
  return { ids, anchor: id };
}

/** Selects everything between the anchor and `id`. */
export function selectRange(selection: Selection, id: string, order: readonly string[]): Selection {
  const from = order.indexOf(selection.anchor ?? id);
  const to = order.indexOf(id);
  if (from === -1 || to === -1) return toggle(selection, id);
  const range = order.slice(Math.min(from, to), Math.max(from, to) + 1);
  return { ids: new Set([...selection.ids, ...range]), anchor: selection.anchor ?? id };
}

export const selectAll = (selection: Selection, ids: readonly string[]): Selection => ({
  ids: new Set([...selection.ids, ...ids]),
  anchor: selection.anchor,
});
