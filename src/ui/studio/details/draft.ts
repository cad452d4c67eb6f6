/** What a person types about a video, and the edit that it results in: only the changes. Pure. */
import type { Field } from '../../../protocol/catalogue/fields.ts';
import type { AudienceOfVideo } from '../../../protocol/people/audience.ts';
import type { SiteVideo } from '../../../protocol/site.ts';
import { toFields } from '../audience-choice.tsx';
import { formatTime, parseTime } from './times.ts';

export interface PersonDraft {
  readonly name: string;
  readonly role: string;
}
export interface ChapterDraft {
  /** As typed: `1:02:03`. */
  readonly start: string;
  readonly title: string;
}
export type FieldDraft = string | boolean | readonly string[];

export interface Draft {
  readonly name: string;
  readonly description: string;
  readonly language: string;
  readonly people: readonly PersonDraft[];
  readonly series: string;
  readonly position: string;
  readonly tags: readonly string[];
  readonly licence: string;
  readonly chapters: readonly ChapterDraft[];
  /** Local time, as `<input type="datetime-local">` has it. */
  readonly recordedAt: string;
  readonly publishAt: string;
  readonly withdrawAt: string;
  readonly downloads: string;
  readonly fields: Readonly<Record<string, FieldDraft>>;
  readonly audience: AudienceOfVideo;
}

const pad = (n: number): string => String(n).padStart(2, '0');
/** The browser's local time. Seconds are kept only if there are some. */
function toLocalInput(timestamp: string | undefined): string {
  if (!timestamp) return '';
  const at = new Date(timestamp);
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}T${pad(at.getHours())}:${pad(at.getMinutes())}`;
}
const fromLocalInput = (text: string): string | null => (text === '' ? null : new Date(text).toISOString());

export const draftOf = (video: SiteVideo): Draft => ({
  name: video.name,
  description: video.description,
  language: video.language ?? '',
  people: (video.people ?? []).map(({ name, role = '' }) => ({ name, role })),
  series: video.series?.id ?? '',
  position: video.series?.position === undefined ? '' : String(video.series.position),
  tags: video.tags ?? [],
  licence: video.licence ?? '',
  chapters: (video.chapters ?? []).map(({ startMs, title }) => ({ start: formatTime(startMs), title })),
  recordedAt: toLocalInput(video.recordedAt),
  publishAt: toLocalInput(video.publishAt),
  withdrawAt: toLocalInput(video.withdrawAt),
  downloads: video.downloads ?? '',
  fields: Object.fromEntries(
    Object.entries(video.fields ?? {}).map(([name, value]) => [
      name,
      typeof value === 'number' ? String(value) : value,
    ]),
  ),
  audience: { audience: video.audience, groups: video.groups ?? [] },
});

export type DraftError =
  | 'name'
  | 'time'
  | 'chapterTitle'
  | 'order'
  | 'position'
  | 'dates'
  | 'number'
  | 'groups';

/** What is wrong, by the member of the draft. */
export function findDraftErrors(
  draft: Draft,
  fields: readonly Field[],
): Readonly<Partial<Record<keyof Draft, DraftError>>> {
  const starts = listChapters(draft.chapters).map(({ start }) => parseTime(start));
  return {
    ...(draft.name.trim() === '' ? { name: 'name' as const } : {}),
    ...(draft.audience.audience === 'groups' && draft.audience.groups.length === 0
      ? { audience: 'groups' as const }
      : {}),
    ...(draft.position !== '' && !/^\d{1,6}$/.test(draft.position) ? { position: 'position' as const } : {}),
    ...(draft.publishAt && draft.withdrawAt && draft.publishAt >= draft.withdrawAt
      ? { withdrawAt: 'dates' as const }
      : {}),
    ...(starts.some(start => start === undefined)
      ? { chapters: 'time' as const }
      : listChapters(draft.chapters).some(({ title }) => title.trim() === '')
        ? { chapters: 'chapterTitle' as const }
        : new Set(starts).size < starts.length
          ? { chapters: 'order' as const }
          : {}),
    ...(fields.some(
      ({ name, type }) => type === 'number' && draft.fields[name] && Number.isNaN(Number(draft.fields[name])),
    )
      ? { fields: 'number' as const }
      : {}),
  };
}

/** Rows that are still empty do not count. */
const listChapters = (chapters: readonly ChapterDraft[]): readonly ChapterDraft[] =>
  chapters.filter(({ start, title }) => start.trim() !== '' || title.trim() !== '');

export type VideoEdit = Readonly<Record<string, unknown>>;

/** The body of `PATCH`: what the draft changes in what the person has seen. Empty: nothing. */
export function editOf(before: Draft, draft: Draft, fields: readonly Field[]): VideoEdit {
  const all: { readonly [Name in keyof Draft]: () => VideoEdit } = {
    name: () => ({ name: draft.name.trim() }),
    description: () => ({ description: draft.description }),
    language: () => (draft.language.trim() ? { language: draft.language.trim() } : {}),
    people: () => ({ people: nullIfEmpty(peopleOf(draft)) }),
    series: () => ({ series: seriesOf(draft) }),
    position: () => ({ series: seriesOf(draft) }),
    tags: () => ({ tags: nullIfEmpty(draft.tags) }),
    licence: () => ({ licence: draft.licence.trim() || null }),
    chapters: () => ({ chapters: nullIfEmpty(chaptersOf(draft)) }),
    recordedAt: () => ({ recordedAt: fromLocalInput(draft.recordedAt) }),
    publishAt: () => ({ publishAt: fromLocalInput(draft.publishAt) }),
    withdrawAt: () => ({ withdrawAt: fromLocalInput(draft.withdrawAt) }),
    downloads: () => ({ downloads: draft.downloads || null }),
    fields: () => ({ fields: fieldsOf(draft, fields) }),
    audience: () => toFields(draft.audience),
  };
  const changed = (Object.keys(all) as (keyof Draft)[]).filter(
    name => JSON.stringify(draft[name]) !== JSON.stringify(before[name]),
  );
  return Object.assign({}, ...changed.map(name => all[name]()));
}

const nullIfEmpty = <T>(list: readonly T[]): readonly T[] | null => (list.length === 0 ? null : list);

const peopleOf = ({ people }: Draft) =>
  people
    .filter(({ name }) => name.trim() !== '')
    .map(({ name, role }) => ({ name: name.trim(), ...(role.trim() ? { role: role.trim() } : {}) }));

const seriesOf = ({ series, position }: Draft) =>
  series === '' ? null : { id: series, ...(position === '' ? {} : { position: Number(position) }) };

const chaptersOf = ({ chapters }: Draft) =>
  listChapters(chapters)
    .map(({ start, title }) => ({ startMs: parseTime(start) ?? 0, title: title.trim() }))
    .sort((a, b) => a.startMs - b.startMs);

/** Values of fields that the operator does not declare (any more) stay. */
function fieldsOf(draft: Draft, fields: readonly Field[]) {
  const types = new Map(fields.map(({ name, type }) => [name, type]));
  const values = Object.entries(draft.fields)
    .filter(([, value]) => value !== '' && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => [name, types.get(name) === 'number' ? Number(value) : value]);
  return values.length === 0 ? null : Object.fromEntries(values);
}
