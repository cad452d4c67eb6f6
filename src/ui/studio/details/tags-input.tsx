/** Tags as chips. Enter or a comma adds one, Backspace in the empty field removes the last. */
import { useEffect, useState } from 'preact/hooks';
import { call } from '../../api/call.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { Labelled } from './inputs.tsx';

const MAX_TAG_CHARACTERS = 60;

interface TagsInputProps {
  readonly label: string;
  readonly tags: readonly string[];
  readonly onChange: (tags: readonly string[]) => void;
  readonly suggestions: readonly string[];
  readonly hint?: string;
}

export function TagsInput({ label, tags, onChange, suggestions, hint }: TagsInputProps) {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  const add = (typed: string): void => {
    const added = typed
      .split(/[,，、;；\n]/)
      .map(tag => tag.trim().slice(0, MAX_TAG_CHARACTERS))
      .filter(tag => tag !== '');
    if (added.length > 0) onChange([...new Set([...tags, ...added])]);
    setText('');
  };
  const remove = (tag: string): void => onChange(tags.filter(each => each !== tag));
  return (
    <Labelled label={label} hint={hint ?? t.details.tagsHint}>
      {({ id, describedBy }) => (
        <div class="tags" data-testid="tags">
          {tags.map(tag => (
            <span key={tag} class="chip" dir="auto">
              {tag}
              <button type="button" class="chip-remove" onClick={() => remove(tag)}>
                <span aria-hidden="true">✕</span>
                <span class="visually-hidden">{t.details.remove(tag)}</span>
              </button>
            </span>
          ))}
          <input
            id={id}
            dir="auto"
            value={text}
            list={`${id}-list`}
            aria-describedby={describedBy}
            onInput={event => {
              const typed = event.currentTarget.value;
              // A suggestion that is chosen, and a comma, complete a tag.
              if (
                /[,，、;；]/.test(typed) ||
                (suggestions.includes(typed) &&
                  event instanceof InputEvent &&
                  event.inputType === 'insertReplacementText')
              )
                add(typed);
              else setText(typed);
            }}
            onKeyDown={event => {
              if (event.isComposing) return;
              if (event.key === 'Enter' && text.trim() !== '') {
                event.preventDefault();
                add(text);
              } else if (event.key === 'Backspace' && text === '' && tags.length > 0)
                remove(tags.at(-1) ?? '');
            }}
            onBlur={() => add(text)}
          />
          <datalist id={`${id}-list`}>
            {suggestions
              .filter(each => !tags.includes(each))
              .map(each => (
                <option key={each} value={each} />
              ))}
          </datalist>
        </div>
      )}
    </Labelled>
  );
}

interface Facets {
  readonly tag?: readonly { readonly value: string }[];
  readonly person?: readonly { readonly value: string }[];
}

/** Tags and people of other videos that can be found at this site. */
export function useKnownValues(token: string | undefined): {
  readonly tags: readonly string[];
  readonly people: readonly string[];
} {
  const [known, setKnown] = useState<{ tags: readonly string[]; people: readonly string[] }>({
    tags: [],
    people: [],
  });
  useEffect(() => {
    const abort = new AbortController();
    call<Facets>('/api/facets', { token, abort: abort.signal }).then(
      ({ tag = [], person = [] }) =>
        setKnown({ tags: tag.map(({ value }) => value), people: person.map(({ value }) => value) }),
      // Without suggestions, people type.
      () => {},
    );
    return () => abort.abort();
  }, [token]);
  return known;
}
