/** Shown in place of a page or a part of it that this person may not see: the way in, or what to do about the missing permission. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Action } from '../../protocol/people/decide.ts';
import { useTranslation } from '../i18n/use-translation.tsx';
import { claimAutomaticSignIn } from '../me/automatic-sign-in.ts';
import { useMe } from '../me/use-me.tsx';
import { ErrorNotice } from './notice.tsx';
import { SignInForm } from './operator-token.tsx';

/** At a site, the way in leads through central, which may know the person: the page goes there by itself. */
function SignInNeeded() {
  const { t } = useTranslation();
  const { part, signInAddress, wasTokenRefused } = useMe();
  const [isLeaving] = useState(
    () => part === 'site' && !wasTokenRefused && claimAutomaticSignIn(Date.now(), performance.now()),
  );
  useEffect(() => {
    if (isLeaving) location.assign(signInAddress());
  }, [isLeaving, signInAddress]);
  if (isLeaving) return <p class="quiet">{t.common.loading}</p>;
  return (
    <section class="empty" data-testid="sign-in-needed">
      <strong>{t.me.needed}</strong>
      <p>{t.me.neededHint}</p>
      <a class="button primary" href={signInAddress()}>
        {t.me.signIn}
      </a>
    </section>
  );
}

/**
 * The operator token, for the first start and for emergencies.
 *
 * @param next the page to open with it. Default: this page.
 */
export function BreakGlass({ next }: { readonly next?: string }) {
  const { t } = useTranslation();
  const { part, setToken, wasTokenRefused } = useMe();
  return (
    <details class="break-glass" open={wasTokenRefused}>
      <summary>{t.me.breakGlass}</summary>
      <p class="quiet">{t.me.breakGlassHint}</p>
      <SignInForm
        part={part}
        isRefused={wasTokenRefused}
        onToken={token => {
          setToken(token);
          if (next !== undefined) location.assign(next);
        }}
      />
    </details>
  );
}

function NotPermitted() {
  const { t } = useTranslation();
  const { me } = useMe();
  return (
    <section class="empty" data-testid="not-permitted">
      <strong>{t.me.notPermitted}</strong>
      <p>{t.me.notPermittedHint(me?.person?.name ?? '–')}</p>
    </section>
  );
}

interface RequirePermissionProps {
  /** Any of these, for at least one site or series. Absent: every person who is signed in. */
  readonly anyOf?: readonly Action[];
  /** The permission for a site or series does not suffice. */
  readonly isForEverything?: boolean;
  readonly children: ComponentChildren;
}

/** Shows its children only to people who are signed in and have one of the permissions. */
export function RequirePermission({ anyOf, isForEverything, children }: RequirePermissionProps) {
  const { t } = useTranslation();
  const { me, error, reload, isAllowed, isAllowedSomewhere } = useMe();
  if (me === undefined) {
    return error === undefined ? (
      <p class="quiet">{t.common.loading}</p>
    ) : (
      <ErrorNotice error={error} retry={reload} />
    );
  }
  if (me.via === null) {
    return (
      <>
        <SignInNeeded />
        <BreakGlass />
      </>
    );
  }
  const isPermitted = (action: Action): boolean =>
    isForEverything ? isAllowed(action, {}) : isAllowedSomewhere(action);
  if (anyOf && !anyOf.some(isPermitted)) return <NotPermitted />;
  return <>{children}</>;
}
