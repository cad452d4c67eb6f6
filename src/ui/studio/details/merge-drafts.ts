/** Merges what two people have changed in the details of a video. Pure. */
import type { Draft } from './draft.ts';

export const changedMembers = (before: Draft, after: Draft): readonly (keyof Draft)[] =>
  (Object.keys(after) as (keyof Draft)[]).filter(
    name => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  );

interface Versions {
  readonly before: Draft;
  readonly mine: Draft;
  readonly theirs: Draft;
}

/** What only one of them has changed is kept. What both have changed stays as this person has typed it, and is named. */
export function mergeDrafts({ before, mine, theirs }: Versions): {
  readonly draft: Draft;
  readonly conflicts: readonly (keyof Draft)[];
} {
  const own = changedMembers(before, mine);
  const others = new Set(changedMembers(before, theirs));
  return {
    draft: { ...theirs, ...Object.fromEntries(own.map(name => [name, mine[name]])) },
    conflicts: own.filter(
      name => others.has(name) && JSON.stringify(mine[name]) !== JSON.stringify(theirs[name]),
    ),
  };
}
