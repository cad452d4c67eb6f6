/** The person who uses the page, with the account and the way out; or the way in. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { SIGN_IN_PATH } from '../../me/sign-in-address.ts';
import { useMe, useOptionalMe } from '../../me/use-me.tsx';
import { ErrorText } from '../notice.tsx';

interface PersonMenuProps {
  readonly account: string | undefined;
}

export const PersonMenu = ({ account }: PersonMenuProps) =>
  useOptionalMe() ? <Person account={account} /> : null;

function Person({ account }: PersonMenuProps) {
  const { t } = useTranslation();
  const { part, me, token, signInAddress } = useMe();
  if (!me && token === undefined) return null;
  if (!me?.person && token === undefined) {
    if (location.pathname === SIGN_IN_PATH) return null;
    // The address is that of the moment of the click: pages change their query and fragment.
    return (
      <a
        class="button small sign-in"
        href={signInAddress()}
        data-testid="sign-in"
        onClick={event => {
          event.currentTarget.href = signInAddress();
        }}
      >
        {t.me.signIn}
      </a>
    );
  }
  const isToken = token !== undefined;
  const name = me?.person?.name ?? t.me.operatorToken;
  const href = isToken ? undefined : (account ?? (part === 'central' ? '/account' : undefined));
  return (
    <Disclosure name={name}>
      <p class="person-name">{name}</p>
      {me?.person?.email && <p class="quiet">{me.person.email}</p>}
      {isToken && <p class="quiet">{t.me.operatorTokenHint}</p>}
      {href && (
        <a href={href} data-testid="account">
          {t.me.account}
        </a>
      )}
      <SignOut />
    </Disclosure>
  );
}

function SignOut() {
  const { t } = useTranslation();
  const { token, signOut } = useMe();
  const [error, setError] = useState<unknown>();
  return (
    <>
      <button
        type="button"
        class="plain"
        data-testid="sign-out"
        onClick={() => {
          setError(undefined);
          signOut().catch(setError);
        }}
      >
        {token === undefined ? t.me.signOut : t.me.forgetToken}
      </button>
      <ErrorText error={error} />
    </>
  );
}

/** A button that shows a panel. Escape, a click elsewhere and moving the focus away close it. */
function Disclosure({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  const { t } = useTranslation();
  const id = useId();
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!isOpen) return undefined;
    const closeOutside = (event: Event): void => {
      if (event.target instanceof Node && !root.current?.contains(event.target)) setOpen(false);
    };
    const closeOnEscape = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape') return;
      setOpen(false);
      button.current?.focus();
    };
    document.addEventListener('pointerdown', closeOutside);
    document.addEventListener('focusin', closeOutside);
    document.addEventListener('keydown', closeOnEscape);
    return () => {
      document.removeEventListener('pointerdown', closeOutside);
      document.removeEventListener('focusin', closeOutside);
      document.removeEventListener('keydown', closeOnEscape);
    };
  }, [isOpen]);
  return (
    <div ref={root} class="person">
      <button
        ref={button}
        type="button"
        class="person-button"
        aria-expanded={isOpen}
        aria-controls={id}
        data-testid="person"
        onClick={() => setOpen(!isOpen)}
      >
        <span class="initial" aria-hidden="true">
          {[...name.trim()][0]?.toUpperCase()}
        </span>
        <span class="visually-hidden">{t.me.menu} </span>
        <span class="person-label">{name}</span>
      </button>
      <div id={id} class="person-panel" hidden={!isOpen}>
        {children}
      </div>
    </div>
  );
}
