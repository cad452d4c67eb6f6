/** Undo and redo over immutable states. Changes of the same kind in quick succession, such as typing, are one step. Pure. */

export interface History<State> {
  readonly present: State;
  readonly past: readonly State[];
  readonly future: readonly State[];
  /** What the last change did, and when. */
  readonly last: { readonly kind: string; readonly atMs: number } | undefined;
}

const MAX_STEPS = 500;
const SAME_STEP_MS = 1_500;

export const startHistory = <State>(present: State): History<State> => ({
  present,
  past: [],
  future: [],
  last: undefined,
});

/** @param kind changes with the same kind are merged; an empty one is never merged */
export function record<State>(
  history: History<State>,
  present: State,
  { kind, atMs }: { readonly kind: string; readonly atMs: number },
): History<State> {
  if (present === history.present) return history;
  const { last, past } = history;
  const isSameStep = kind !== '' && last?.kind === kind && atMs - last.atMs < SAME_STEP_MS && past.length > 0;
  return {
    present,
    past: isSameStep ? past : [...past, history.present].slice(-MAX_STEPS),
    future: [],
    last: { kind, atMs },
  };
}

export function undo<State>(history: History<State>): History<State> {
  const { past, present, future } = history;
  const before = past.at(-1);
  if (before === undefined) return history;
  return { present: before, past: past.slice(0, -1), future: [present, ...future], last: undefined };
}

export function redo<State>(history: History<State>): History<State> {
  const { past, present, future } = history;
  const [next, ...rest] = future;
  if (next === undefined) return history;
  return { present: next, past: [...past, present], future: rest, last: undefined };
}
