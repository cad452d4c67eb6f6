/** The keyboard shortcuts of the caption editor. They do not collide with typing, and browsers leave them to the page. */
import { useTranslation } from '../../../i18n/use-translation.tsx';

export type Shortcut =
  | ('save' | 'undo' | 'redo' | 'find' | 'split' | 'join' | 'add')
  | ('previous' | 'next' | 'play' | 'pause' | 'start' | 'end');

/** With Control, or Command on a Mac. */
const COMMAND_KEYS: Readonly<Record<string, Shortcut>> = {
  s: 'save',
  z: 'undo',
  y: 'redo',
  f: 'find',
  enter: 'split',
  j: 'join',
};
/** With Alt, or Option on a Mac. */
const OPTION_KEYS: Readonly<Record<string, Shortcut>> = {
  ArrowUp: 'previous',
  ArrowDown: 'next',
  KeyP: 'play',
  KeyK: 'pause',
  KeyI: 'start',
  KeyO: 'end',
  Enter: 'add',
};

export function findShortcut(event: KeyboardEvent): Shortcut | undefined {
  // The keys belong to the input method.
  if (event.isComposing) return undefined;
  if ((event.ctrlKey || event.metaKey) && !event.altKey) {
    const key = event.key.toLowerCase();
    return key === 'z' && event.shiftKey ? 'redo' : COMMAND_KEYS[key];
  }
  return event.altKey && !event.ctrlKey && !event.metaKey ? OPTION_KEYS[event.code] : undefined;
}

const SHOWN = [
  ['save', 'Ctrl+S'],
  ['undo', 'Ctrl+Z, Ctrl+Shift+Z'],
  ['find', 'Ctrl+F'],
  ['lines', 'Alt+↑, Alt+↓'],
  ['play', 'Alt+P, Alt+K'],
  ['times', 'Alt+I, Alt+O'],
  ['add', 'Alt+Enter'],
  ['split', 'Ctrl+Enter'],
  ['join', 'Ctrl+J'],
  ['nudge', '↑, ↓'],
] as const;

export function ShortcutList() {
  const texts = useTranslation().t.captionEditor;
  return (
    <details class="shortcuts">
      <summary>{texts.shortcuts}</summary>
      <dl>
        {SHOWN.map(([effect, keys]) => (
          <div key={effect}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{texts.shortcutEffects[effect]}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
