/** The search box with its suggestions: a combobox (ARIA APG, editable combobox with list autocomplete). */
import { useEffect, useId, useState } from 'preact/hooks';
import type { Suggestion } from '../../../protocol/catalogue/search.ts';
import { go } from '../../browser/place.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { type Collection, useCollection } from '../data/collection.tsx';
import { moveActive } from './suggestion-keys.ts';

const TYPING_PAUSE_MS = 140;
const MAX_CHARACTERS = 200;

const PICTURES: Readonly<Record<Suggestion['kind'], string>> = {
  video: 'M4 5h16v14H4zM10 9l5 3-5 3z',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4 21c0-5 4-7 8-7s8 2 8 7',
  series: 'M4 9h16v11H4zM6 6h12M8 3h8',
};

interface SearchBoxProps {
  /** The words of the search that the page shows. */
  readonly q: string;
  /** The filters that a new search keeps. */
  readonly keep?: Readonly<Record<string, unknown>>;
}

/** The state of the box, and the keys of a combobox with a list (ARIA APG). */
function useSearchBox({ q, keep }: SearchBoxProps) {
  const collection = useCollection();
  const { addresses } = collection;
  const [typed, setTyped] = useState(q);
  const [isOpen, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const suggestions = useSuggestions(collection, isOpen ? typed.trim() : '');
  const isShown = isOpen && suggestions.length > 0;
  useEffect(() => setTyped(q), [q]);
  // The list begins without an active suggestion, because Enter searches for the typed text.
  useEffect(() => setActive(-1), [suggestions]);

  const close = (): void => {
    setOpen(false);
    setActive(-1);
  };
  const submit = (): void => {
    close();
    go(addresses.searchFor({ ...keep, q: typed.trim() || undefined }));
  };
  const choose = (suggestion: Suggestion): void => {
    close();
    const href = addressOf(suggestion, collection);
    // At central, the watch page is another document.
    if (addresses.viewAt(href).kind === 'lost') location.assign(href);
    else go(href);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.isComposing) return;
    if (event.key === 'Escape') {
      if (isShown) close();
      else setTyped('');
      event.preventDefault();
      return;
    }
    if (event.key === 'Enter') {
      const chosen = isShown ? suggestions[active] : undefined;
      if (!chosen) return;
      event.preventDefault();
      choose(chosen);
      return;
    }
    if (event.key === 'ArrowDown' && !isOpen) setOpen(true);
    const next = moveActive(event.key, active, isShown ? suggestions.length : 0);
    if (next === undefined) return;
    event.preventDefault();
    setActive(next);
  };
  const type = (text: string): void => {
    setTyped(text);
    setOpen(true);
  };
  return { typed, suggestions, isShown, active, type, submit, choose, close, onKeyDown };
}

export function SearchBox(props: SearchBoxProps) {
  const { t } = useTranslation();
  const { addresses } = useCollection();
  const id = useId();
  const { typed, suggestions, isShown, active, type, submit, choose, close, onKeyDown } = useSearchBox(props);
  return (
    <search class="search-box">
      <form
        action={addresses.search}
        onSubmit={event => {
          event.preventDefault();
          submit();
        }}
      >
        <input
          type="search"
          name="q"
          // biome-ignore lint/a11y/noRedundantRoles: without a list attribute, its own role is searchbox
          role="combobox"
          list={undefined}
          aria-label={t.search.label}
          aria-expanded={isShown}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={isShown && active >= 0 ? `${id}-${active}` : undefined}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          enterkeyhint="search"
          maxLength={MAX_CHARACTERS}
          placeholder={t.search.placeholder}
          dir="auto"
          value={typed}
          onInput={event => type(event.currentTarget.value)}
          onKeyDown={onKeyDown}
          onBlur={close}
        />
        <button type="submit" class="search-button" aria-label={t.search.submit}>
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d="M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13M15.500 15.500 21 21" />
          </svg>
        </button>
        <div
          id={`${id}-list`}
          class="suggestions"
          role="listbox"
          aria-label={t.search.suggestions}
          hidden={!isShown}
        >
          {suggestions.map((suggestion, at) => (
            <SuggestionOption
              key={`${suggestion.kind} ${suggestion.id ?? suggestion.text}`}
              id={`${id}-${at}`}
              suggestion={suggestion}
              isActive={at === active}
              onChoose={() => choose(suggestion)}
            />
          ))}
        </div>
      </form>
      <div class="visually-hidden" role="status">
        {isShown ? t.search.suggestionCount(suggestions.length) : ''}
      </div>
    </search>
  );
}

interface SuggestionOptionProps {
  readonly id: string;
  readonly suggestion: Suggestion;
  readonly isActive: boolean;
  readonly onChoose: () => void;
}

function SuggestionOption({ id, suggestion, isActive, onChoose }: SuggestionOptionProps) {
  const { t } = useTranslation();
  return (
    // The input has the focus, and its keys choose.
    // biome-ignore lint/a11y/useKeyWithClickEvents: see above
    // biome-ignore lint/a11y/useFocusableInteractive: see above
    <div
      id={id}
      role="option"
      aria-selected={isActive}
      class="suggestion"
      // The input keeps the focus.
      onPointerDown={event => event.preventDefault()}
      onMouseDown={event => event.preventDefault()}
      onClick={onChoose}
    >
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d={PICTURES[suggestion.kind]} />
      </svg>
      <span dir="auto">{suggestion.text}</span>
      <span class="quiet">{t.search.kinds[suggestion.kind]}</span>
    </div>
  );
}

function addressOf({ kind, text, id }: Suggestion, { addresses }: Collection): string {
  if (kind === 'person') return addresses.person(text);
  if (id === undefined) return addresses.searchFor({ q: text });
  return kind === 'series' ? addresses.series(id) : addresses.watch(id);
}

const NONE: readonly Suggestion[] = [];

/** Those for the last text that was typed, after a pause. The former ones remain until then, so that the list does not flicker. */
function useSuggestions(collection: Collection, text: string): readonly Suggestion[] {
  const [found, setFound] = useState(NONE);
  useEffect(() => {
    if (text === '') {
      setFound(NONE);
      return undefined;
    }
    const control = new AbortController();
    const timer = setTimeout(() => {
      collection.suggest(text, control.signal).then(
        next => setFound(next),
        // Suggestions only help. The search itself reports what is wrong.
        () => control.signal.aborted || setFound(NONE),
      );
    }, TYPING_PAUSE_MS);
    return () => {
      control.abort();
      clearTimeout(timer);
    };
  }, [collection, text]);
  return text === '' ? NONE : found;
}
