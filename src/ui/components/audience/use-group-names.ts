/** The names of the groups, which everyone who is signed in may know. */
import { call } from '../../api/call.ts';
import { usePoll } from '../../api/use-poll.ts';
import { useMe } from '../../me/use-me.tsx';

const REFRESH_MS = 60_000;

/** Undefined: the names are not known, because nobody is signed in, or central cannot be reached. */
export type GroupNames = readonly { readonly id: string; readonly name: string }[] | undefined;

/** @param isNeeded false: the names are not read */
export function useGroupNames(isNeeded: boolean): GroupNames {
  const { me, token } = useMe();
  const mayRead = isNeeded && (token !== undefined || (me !== undefined && me.via !== null));
  const { value } = usePoll(
    mayRead ? `groups ${token ?? ''}` : '',
    async abort =>
      mayRead
        ? call<{ readonly groups: NonNullable<GroupNames> }>('/api/group-names', { token, abort })
        : undefined,
    () => REFRESH_MS,
  );
  return value?.groups;
}
