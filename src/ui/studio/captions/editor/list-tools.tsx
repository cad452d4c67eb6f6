/** What can be done to all lines: search and replace, and shift. */
import type { RefObject } from 'preact';
import { useId, useState } from 'preact/hooks';
import { useTranslation } from '../../../i18n/use-translation.tsx';
import { type Cues, findText, replaceText, type Search, shiftCues } from './cue-edits.ts';

interface ListToolsProps {
  readonly cues: Cues;
  readonly selected: number | undefined;
  readonly search: RefObject<HTMLInputElement | null>;
  readonly onEdit: (change: (cues: Cues) => Cues) => void;
  readonly onShow: (id: number) => void;
  readonly onReport: (text: string) => void;
}

export function FindBar({ cues, selected, search, onEdit, onShow, onReport }: ListToolsProps) {
  const texts = useTranslation().t.captionEditor;
  const id = useId();
  const [query, setQuery] = useState<Search>({ text: '', isCaseSensitive: false });
  const [replacement, setReplacement] = useState('');
  const found = findText(cues, query);
  const next = (step: 1 | -1): void => {
    const order = new Map(cues.map((cue, index) => [cue.id, index]));
    const at = selected === undefined ? -1 : (order.get(selected) ?? -1);
    const candidates = found.map(each => [order.get(each) ?? 0, each] as const);
    const target =
      step === 1
        ? (candidates.find(([index]) => index > at) ?? candidates[0])
        : (candidates.findLast(([index]) => index < at) ?? candidates.at(-1));
    if (target) onShow(target[1]);
    else if (query.text !== '') onReport(texts.nothingFound);
  };
  return (
    <form
      class="find-bar"
      aria-label={texts.find}
      onSubmit={event => {
        event.preventDefault();
        next(1);
      }}
    >
      <div class="field">
        <label for={`${id}-find`}>{texts.find}</label>
        <input
          ref={search}
          id={`${id}-find`}
          type="search"
          dir="auto"
          value={query.text}
          onInput={event => setQuery({ ...query, text: event.currentTarget.value })}
        />
      </div>
      <div class="field">
        <label for={`${id}-replace`}>{texts.replaceWith}</label>
        <input
          id={`${id}-replace`}
          dir="auto"
          value={replacement}
          onInput={event => setReplacement(event.currentTarget.value)}
        />
      </div>
      <div class="actions">
        <button type="button" class="small" aria-label={texts.previousMatch} onClick={() => next(-1)}>
          ↑
        </button>
        <button type="submit" class="small" aria-label={texts.nextMatch}>
          ↓
        </button>
        <button
          type="button"
          class="small"
          disabled={selected === undefined || !found.includes(selected)}
          onClick={() => {
            onEdit(all => replaceText(all, query, replacement, selected));
            next(1);
          }}
        >
          {texts.replace}
        </button>
        <button
          type="button"
          class="small"
          disabled={found.length === 0}
          onClick={() => {
            onEdit(all => replaceText(all, query, replacement));
            onReport(texts.replaced(found.length));
          }}
        >
          {texts.replaceAll}
        </button>
        <label class="check">
          <input
            type="checkbox"
            checked={query.isCaseSensitive}
            onChange={event => setQuery({ ...query, isCaseSensitive: event.currentTarget.checked })}
          />
          {texts.matchCase}
        </label>
        {query.text !== '' && <span class="quiet number">{texts.matches(found.length)}</span>}
      </div>
    </form>
  );
}

export function ShiftForm({
  selected,
  onEdit,
  onReport,
}: Pick<ListToolsProps, 'selected' | 'onEdit' | 'onReport'>) {
  const texts = useTranslation().t.captionEditor;
  const id = useId();
  const [seconds, setSeconds] = useState('0.5');
  const [isFromHere, setFromHere] = useState(false);
  const shift = (direction: 1 | -1): void => {
    const ms = Math.round(Number(seconds.replace(',', '.')) * 1_000) * direction;
    if (!Number.isFinite(ms) || ms === 0) return;
    onEdit(all => shiftCues(all, ms, isFromHere ? selected : undefined));
    onReport(texts.shifted);
  };
  return (
    <fieldset class="shift">
      <legend class="quiet">{texts.shift}</legend>
      <div class="actions">
        <button type="button" class="small" onClick={() => shift(-1)}>
          {texts.earlier}
        </button>
        <label class="visually-hidden" for={`${id}-seconds`}>
          {texts.seconds}
        </label>
        <input
          id={`${id}-seconds`}
          class="number"
          inputMode="decimal"
          value={seconds}
          onInput={event => setSeconds(event.currentTarget.value)}
        />
        <span class="quiet" aria-hidden="true">
          {texts.secondsShort}
        </span>
        <button type="button" class="small" onClick={() => shift(1)}>
          {texts.later}
        </button>
        <label class="check">
          <input
            type="checkbox"
            checked={isFromHere}
            disabled={selected === undefined}
            onChange={event => setFromHere(event.currentTarget.checked)}
          />
          {texts.fromSelected}
        </label>
      </div>
    </fieldset>
  );
}
