/** What a person changes in many videos at once. A member that is absent stays as it is in each video. Pure. */
import type { AudienceOfVideo } from '../../../protocol/people/audience.ts';
import type { VideoEditOfMany } from '../../../protocol/studio.ts';
import { toFields } from '../audience-choice.tsx';

export const CHANGES = [
  'series',
  'addTags',
  'removeTags',
  'audience',
  'publishAt',
  'withdrawAt',
  'downloads',
  'withdraw',
] as const;
export type Change = (typeof CHANGES)[number];

export interface BulkDraft {
  readonly change: Change;
  readonly series: string;
  readonly tags: readonly string[];
  readonly audience: AudienceOfVideo;
  /** Local time; empty removes it. */
  readonly at: string;
  readonly downloads: string;
}

/** Undefined while something is missing. */
export function toEdit(draft: BulkDraft): Omit<VideoEditOfMany, 'id'> | undefined {
  switch (draft.change) {
    case 'series':
      return { edit: { series: draft.series === '' ? null : { id: draft.series } } };
    case 'addTags':
      return draft.tags.length > 0 ? { addTags: [...draft.tags] } : undefined;
    case 'removeTags':
      return draft.tags.length > 0 ? { removeTags: [...draft.tags] } : undefined;
    case 'audience':
      return draft.audience.audience === 'groups' && draft.audience.groups.length === 0
        ? undefined
        : { edit: toFields(draft.audience) };
    case 'publishAt':
    case 'withdrawAt':
      return { edit: { [draft.change]: draft.at === '' ? null : new Date(draft.at).toISOString() } };
    case 'downloads':
      return { edit: { downloads: (draft.downloads || null) as 'none' | 'source' | 'renditions' | null } };
    case 'withdraw':
      return { withdraw: true };
  }
}
