/** A list of choices with the keys of the WAI-ARIA pattern "menu". */
import { useLayoutEffect, useRef } from 'preact/hooks';

export interface MenuItem {
  readonly id: string;
  readonly label: string;
  /** The current value, shown at the end of the row. */
  readonly value?: string;
  /** For one of several values, or, with `isToggle`, for one that is on or off. */
  readonly isChecked?: boolean;
  readonly isToggle?: boolean;
  /** Opens another list. */
  readonly isPage?: boolean;
  readonly language?: string | undefined;
  readonly onSelect: () => void;
}

interface ButtonRole {
  readonly role: 'menuitem' | 'menuitemcheckbox' | 'menuitemradio';
  readonly 'aria-haspopup'?: 'menu';
  readonly 'aria-checked'?: boolean;
}

function roleOf({ isChecked, isToggle, isPage }: MenuItem): ButtonRole {
  if (isChecked === undefined)
    return { role: 'menuitem', ...(isPage ? { 'aria-haspopup': 'menu' } : {}) } as const;
  return { role: isToggle ? 'menuitemcheckbox' : 'menuitemradio', 'aria-checked': isChecked } as const;
}

interface MenuListProps {
  readonly label: string;
  readonly items: readonly MenuItem[];
  /** Leads back to the list before this one. */
  readonly onBack?: (() => void) | undefined;
  readonly backLabel: string;
  readonly onClose: () => void;
  /** The item that gets the focus. Default: the checked one, or the first. */
  readonly focus?: string | undefined;
}

export function MenuList({ label, items, onBack, backLabel, onClose, focus }: MenuListProps) {
  const ref = useRef<HTMLDivElement>(null);
  const listItems = (): readonly HTMLElement[] => [
    ...(ref.current?.querySelectorAll<HTMLElement>('[role^=menuitem]') ?? []),
  ];
  // Before the next key arrives.
  useLayoutEffect(() => {
    const all = listItems();
    const wanted = all.find(item => item.dataset.item === focus);
    const checked = all.find(item => item.matches('[role=menuitemradio][aria-checked=true]'));
    (wanted ?? checked ?? all[0])?.focus();
  }, [label]);

  const onKey = (event: KeyboardEvent): void => {
    const all = listItems();
    const at = all.indexOf(event.target as HTMLElement);
    const moves: Readonly<Record<string, number>> = {
      ArrowDown: (at + 1) % all.length,
      ArrowUp: (at - 1 + all.length) % all.length,
      Home: 0,
      End: all.length - 1,
    };
    const to = moves[event.key];
    if (to !== undefined) all[to]?.focus();
    else if (event.key === 'ArrowLeft' && onBack) onBack();
    else if (event.key === 'ArrowRight' && all[at]?.getAttribute('aria-haspopup')) all[at]?.click();
    else if (event.key === 'Escape') (onBack ?? onClose)();
    else {
      if (event.key === 'Tab') onClose();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="player-menu-list" ref={ref} role="menu" aria-label={label} onKeyDown={onKey}>
      {onBack && (
        <button
          type="button"
          class="player-menu-back"
          role="menuitem"
          tabIndex={-1}
          aria-label={`${backLabel}: ${label}`}
          onClick={onBack}
        >
          ‹ {label}
        </button>
      )}
      {items.map(item => (
        <button
          key={item.id}
          type="button"
          tabIndex={-1}
          {...roleOf(item)}
          data-item={item.id}
          data-testid={`menu-${item.id}`}
          onClick={item.onSelect}
        >
          <span class="player-menu-check" aria-hidden="true">
            {item.isChecked ? '✓' : ''}
          </span>
          <span class="player-menu-label" dir="auto" lang={item.language}>
            {item.label}
          </span>
          {item.value !== undefined && (
            <span class="player-menu-value" dir="auto">
              {item.value}
            </span>
          )}
          {item.isPage && <span aria-hidden="true">›</span>}
        </button>
      ))}
    </div>
  );
}
