/** What can be done to the selected line: speaker, place, times from playback, split, join, add and delete. */
import { useId } from 'preact/hooks';
import { useTranslation } from '../../../i18n/use-translation.tsx';
import type { CuePatch } from './cue-edits.ts';
import { PLACES, placeOf, settingsOfPlace } from './places.ts';
import type { EditorCue } from './webvtt.ts';

export interface LineActions {
  change(patch: CuePatch, kind?: string): void;
  setStart(): void;
  setEnd(): void;
  split(): void;
  join(): void;
  add(): void;
  remove(): void;
}

interface LineToolsProps {
  readonly cue: EditorCue | undefined;
  readonly number: number;
  readonly isLast: boolean;
  readonly speakers: readonly string[];
  readonly actions: LineActions;
}

export function LineTools({ cue, number, isLast, speakers, actions }: LineToolsProps) {
  const texts = useTranslation().t.captionEditor;
  const id = useId();
  const place = placeOf(cue?.settings ?? '');
  return (
    <section class="line-tools" aria-labelledby={`${id}-heading`} data-testid="line-tools">
      <h3 id={`${id}-heading`}>{cue ? texts.line(number) : texts.noLine}</h3>
      {cue && (
        <div class="line-fields">
          <div class="field">
            <label for={`${id}-speaker`}>{texts.speaker}</label>
            <input
              id={`${id}-speaker`}
              list={`${id}-speakers`}
              dir="auto"
              maxLength={100}
              value={cue.speaker}
              onInput={event => actions.change({ speaker: event.currentTarget.value }, `speaker ${cue.id}`)}
            />
            <datalist id={`${id}-speakers`}>
              {speakers.map(name => (
                <option key={name} value={name} />
              ))}
            </datalist>
          </div>
          <div class="field">
            <label for={`${id}-place`}>{texts.place}</label>
            <select
              id={`${id}-place`}
              value={place}
              onChange={event => actions.change({ settings: settingsOfPlace(event.currentTarget.value) })}
            >
              {PLACES.map(each => (
                <option key={each} value={each}>
                  {texts.places[each]}
                </option>
              ))}
              {place === 'custom' && <option value="custom">{texts.customPlace}</option>}
            </select>
          </div>
        </div>
      )}
      <div class="actions">
        <button type="button" class="small" disabled={!cue} onClick={actions.setStart}>
          {texts.setStart}
        </button>
        <button type="button" class="small" disabled={!cue} onClick={actions.setEnd}>
          {texts.setEnd}
        </button>
        <button type="button" class="small" disabled={!cue} onClick={actions.split}>
          {texts.split}
        </button>
        <button type="button" class="small" disabled={!cue || isLast} onClick={actions.join}>
          {texts.join}
        </button>
        <button type="button" class="small" onClick={actions.add} data-testid="add-line">
          {texts.add}
        </button>
        <button type="button" class="plain small" disabled={!cue} onClick={actions.remove}>
          {texts.remove}
        </button>
      </div>
    </section>
  );
}
