/** The draft of a video's details: kept in this browser until it is saved, and merged if somebody else has saved meanwhile. */
import { useEffect, useState } from 'preact/hooks';
import type { Field } from '../../../protocol/catalogue/fields.ts';
import type { SiteVideo } from '../../../protocol/site.ts';
import { ApiError } from '../../api/api-error.ts';
import { readItem, writeItem } from '../../browser/storage.ts';
import { type Draft, draftOf, editOf, type VideoEdit } from './draft.ts';
import { changedMembers, mergeDrafts } from './merge-drafts.ts';

interface Stored {
  /** What the person had seen. */
  readonly edition: string;
  readonly before: Draft;
  readonly draft: Draft;
}

export interface DraftState {
  readonly draft: Draft;
  readonly isChanged: boolean;
  /** True if unsaved changes of an earlier visit were restored. */
  readonly isRestored: boolean;
  /** What somebody else has saved since, and this person has changed, too. Undefined: no conflict. */
  readonly conflict: readonly (keyof Draft)[] | undefined;
  readonly change: (part: Partial<Draft>) => void;
  readonly discard: () => void;
  /** @throws ApiError */
  readonly save: () => Promise<void>;
}

export interface DraftCalls {
  readonly save: (edit: VideoEdit, edition: string) => Promise<SiteVideo>;
  readonly reload: () => Promise<SiteVideo>;
}

const keyOf = (id: string): string => `tributary-details:${id}`;

function restore(video: SiteVideo): Stored | undefined {
  const text = readItem('localStorage', keyOf(video.id));
  if (text === null) return undefined;
  try {
    return JSON.parse(text) as Stored;
  } catch {
    return undefined;
  }
}

export function useDraft(video: SiteVideo, fields: readonly Field[], calls: DraftCalls): DraftState {
  const [stored, setStored] = useState<Stored | undefined>(() => restore(video));
  const [isRestored, setRestored] = useState(stored !== undefined);
  const [conflict, setConflict] = useState<readonly (keyof Draft)[]>();
  const base = stored ?? { edition: video.edition, before: draftOf(video), draft: draftOf(video) };
  const isChanged = changedMembers(base.before, base.draft).length > 0;

  useEffect(() => {
    writeItem('localStorage', keyOf(video.id), stored && JSON.stringify(stored));
  }, [stored, video.id]);
  useEffect(() => {
    if (!isChanged) return;
    const warn = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener('beforeunload', warn);
    return () => window.removeEventListener('beforeunload', warn);
  }, [isChanged]);

  const finish = (): void => {
    setStored(undefined);
    setRestored(false);
    setConflict(undefined);
  };
  return {
    draft: base.draft,
    isChanged,
    isRestored: isRestored && isChanged,
    conflict,
    change(part) {
      const draft = { ...base.draft, ...part };
      setStored(changedMembers(base.before, draft).length > 0 ? { ...base, draft } : undefined);
    },
    discard: finish,
    async save() {
      const edit = editOf(base.before, base.draft, fields);
      try {
        if (Object.keys(edit).length > 0) await calls.save(edit, base.edition);
        finish();
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== 'video-changed') throw error;
        const now = await calls.reload();
        const merged = mergeDrafts({ before: base.before, mine: base.draft, theirs: draftOf(now) });
        setStored({ edition: now.edition, before: draftOf(now), draft: merged.draft });
        setConflict(merged.conflicts);
      }
    },
  };
}
