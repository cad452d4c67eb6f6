/** Lists with rows that people add, remove and fill in: the people and the chapters of a video. */
import type { ComponentChildren } from 'preact';
import { useTranslation } from '../../i18n/use-translation.tsx';
import type { ChapterDraft, PersonDraft } from './draft.ts';
import { formatTime, parseChapterLines, parseTime } from './times.ts';

interface RowsProps<Row> {
  readonly legend: string;
  readonly hint?: string | undefined;
  readonly error?: string | undefined;
  readonly rows: readonly Row[];
  readonly onChange: (rows: readonly Row[]) => void;
  readonly empty: Row;
  readonly add: string;
  /** What a screen reader says for the button that removes a row. */
  readonly nameOf: (row: Row) => string;
  readonly children: (row: Row, change: (part: Partial<Row>) => void, at: number) => ComponentChildren;
  readonly actions?: ComponentChildren;
  readonly testId: string;
}

function Rows<Row>({
  legend,
  hint,
  error,
  rows,
  onChange,
  empty,
  add,
  nameOf,
  children,
  actions,
  testId,
}: RowsProps<Row>) {
  const { t } = useTranslation();
  return (
    <fieldset class="rows" data-testid={testId}>
      <legend class="rows-legend">{legend}</legend>
      {rows.map((row, at) => (
        <div key={at} class="rows-row">
          {children(
            row,
            part => onChange(rows.map((each, index) => (index === at ? { ...each, ...part } : each))),
            at,
          )}
          <button
            type="button"
            class="plain small"
            onClick={() => onChange(rows.filter((_, index) => index !== at))}
          >
            <span aria-hidden="true">✕</span>
            <span class="visually-hidden">{t.details.remove(nameOf(row) || String(at + 1))}</span>
          </button>
        </div>
      ))}
      {error && (
        <small class="bad" role="alert">
          {error}
        </small>
      )}
      {hint && <small class="quiet">{hint}</small>}
      <div class="actions">
        <button type="button" class="small" onClick={() => onChange([...rows, empty])}>
          {add}
        </button>
        {actions}
      </div>
    </fieldset>
  );
}

interface PeopleRowsProps {
  readonly people: readonly PersonDraft[];
  readonly onChange: (people: readonly PersonDraft[]) => void;
  readonly suggestions: readonly string[];
}

export function PeopleRows({ people, onChange, suggestions }: PeopleRowsProps) {
  const texts = useTranslation().t.details;
  return (
    <Rows
      legend={texts.people}
      rows={people}
      onChange={onChange}
      empty={{ name: '', role: '' }}
      add={texts.addPerson}
      nameOf={({ name }) => name}
      testId="people-of-video"
    >
      {(person, change, at) => (
        <>
          <input
            aria-label={texts.personName(at + 1)}
            placeholder={texts.personNamePlaceholder}
            dir="auto"
            maxLength={200}
            value={person.name}
            list="known-people"
            onInput={event => change({ name: event.currentTarget.value })}
          />
          <input
            aria-label={texts.personRole(at + 1)}
            placeholder={texts.personRolePlaceholder}
            dir="auto"
            maxLength={60}
            value={person.role}
            onInput={event => change({ role: event.currentTarget.value })}
          />
          {at === 0 && (
            <datalist id="known-people">
              {suggestions.map(name => (
                <option key={name} value={name} />
              ))}
            </datalist>
          )}
        </>
      )}
    </Rows>
  );
}

interface ChapterRowsProps {
  readonly chapters: readonly ChapterDraft[];
  readonly onChange: (chapters: readonly ChapterDraft[]) => void;
  readonly error: string | undefined;
  /** The position of the player; undefined while there is none. */
  readonly readPosition: (() => number) | undefined;
}

/** Lines that are pasted into a row become rows. */
export function ChapterRows({ chapters, onChange, error, readPosition }: ChapterRowsProps) {
  const texts = useTranslation().t.details;
  return (
    <Rows
      legend={texts.chapters}
      hint={texts.chaptersHint}
      error={error}
      rows={chapters}
      onChange={onChange}
      empty={{ start: chapters.length === 0 ? '0:00' : '', title: '' }}
      add={texts.addChapter}
      nameOf={({ title, start }) => title || start}
      testId="chapters"
      actions={
        readPosition && (
          <button
            type="button"
            class="small"
            onClick={() =>
              onChange([
                ...chapters,
                { start: formatTime(Math.floor(readPosition() / 1_000) * 1_000), title: '' },
              ])
            }
          >
            {texts.chapterHere}
          </button>
        )
      }
    >
      {(chapter, change, at) => {
        const paste = (event: ClipboardEvent): void => {
          const pasted = parseChapterLines(event.clipboardData?.getData('text/plain') ?? '');
          if (!pasted) return;
          event.preventDefault();
          const isEmpty = chapter.title.trim() === '';
          onChange([...chapters.slice(0, isEmpty ? at : at + 1), ...pasted, ...chapters.slice(at + 1)]);
        };
        return (
          <>
            <input
              class="chapter-start"
              aria-label={texts.chapterStart(at + 1)}
              placeholder="0:00"
              value={chapter.start}
              aria-invalid={chapter.start.trim() !== '' && parseTime(chapter.start) === undefined}
              onInput={event => change({ start: event.currentTarget.value })}
              onPaste={paste}
            />
            <input
              aria-label={texts.chapterTitle(at + 1)}
              placeholder={texts.chapterTitlePlaceholder}
              dir="auto"
              maxLength={200}
              value={chapter.title}
              onInput={event => change({ title: event.currentTarget.value })}
              onPaste={paste}
            />
          </>
        );
      }}
    </Rows>
  );
}
