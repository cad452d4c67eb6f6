/**
 * Gives every component the person who uses the page and what they may do (`GET /api/me`). Also keeps the operator token, which comes
 * from `#token=` or its form, for this tab, and removes it from the address.
 */
import { type ComponentChildren, createContext } from 'preact';
import { useCallback, useContext, useEffect, useMemo, useState } from 'preact/hooks';
import { type Action, isAllowed, isAllowedSomewhere, type Target } from '../../protocol/people/decide.ts';
import type { Me } from '../../protocol/people/people.ts';
import { isWrongCredential } from '../api/api-error.ts';
import { call, onSessionEnd } from '../api/call.ts';
import { usePoll } from '../api/use-poll.ts';
import { readItem, writeItem } from '../browser/storage.ts';
import { formatSignInAddress, type Part } from './sign-in-address.ts';

const REFRESH_MS = 300_000;
const TOKEN_KEY = 'tributary.token';

interface MeState {
  readonly part: Part;
  /** Undefined until the server has responded. */
  readonly me: Me | undefined;
  /** Why `me` is unknown or may be outdated. */
  readonly error: unknown;
  /** The operator token, or an API token in its place, which precedes the session. */
  readonly token: string | undefined;
  readonly setToken: (token: string | undefined) => void;
  /** The server refused the last token, and it was forgotten. */
  readonly wasTokenRefused: boolean;
  readonly forgetRefusedToken: () => void;
  readonly isAllowed: (action: Action, target: Target) => boolean;
  /** For at least one site or series. */
  readonly isAllowedSomewhere: (action: Action) => boolean;
  readonly reload: () => void;
  /** The sign-in page, which returns to this page. */
  readonly signInAddress: () => string;
  /** Ends the session and loads the page again. @throws ApiError */
  readonly signOut: () => Promise<void>;
}

const MeContext = createContext<MeState | undefined>(undefined);

/** Returns the token in the fragment of the address, and removes it from there. */
function claimTokenFromAddress(): string | undefined {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get('token');
  if (token === null) return undefined;
  fragment.delete('token');
  const rest = fragment.toString();
  history.replaceState(history.state, '', location.pathname + location.search + (rest && `#${rest}`));
  return token;
}

function useToken() {
  const [token, set] = useState<string | undefined>(() => {
    const given = claimTokenFromAddress();
    if (given) writeItem('sessionStorage', TOKEN_KEY, given);
    return given || readItem('sessionStorage', TOKEN_KEY) || undefined;
  });
  const setToken = useCallback((next: string | undefined) => {
    writeItem('sessionStorage', TOKEN_KEY, next);
    set(next);
  }, []);
  return { token, setToken };
}

interface MeProviderProps {
  readonly part: Part;
  readonly children: ComponentChildren;
}

export function MeProvider({ part, children }: MeProviderProps) {
  const { token, setToken } = useToken();
  const [wasTokenRefused, setWasTokenRefused] = useState(false);
  const poll = usePoll(
    token ?? '',
    abort => call<Me>('/api/me', { token, abort, reportsSessionEnd: false }),
    () => REFRESH_MS,
  );
  const { value: me, error, refresh } = poll;
  useEffect(() => onSessionEnd(refresh), [refresh]);
  const forgetRefusedToken = useCallback(() => {
    setWasTokenRefused(true);
    setToken(undefined);
  }, [setToken]);
  const isRefused = token !== undefined && isWrongCredential(error);
  useEffect(() => {
    if (isRefused) forgetRefusedToken();
  }, [isRefused, forgetRefusedToken]);

  const state = useMemo<MeState>(() => {
    const holder = { person: me?.person ?? undefined, permissions: me?.permissions ?? [] };
    return {
      part,
      me,
      error,
      token,
      setToken(next) {
        setWasTokenRefused(false);
        setToken(next);
      },
      wasTokenRefused,
      forgetRefusedToken,
      isAllowed: (action, target) => isAllowed(holder, action, target),
      isAllowedSomewhere: action => isAllowedSomewhere(holder, action),
      reload: refresh,
      signInAddress: () => formatSignInAddress(part, location.pathname + location.search + location.hash),
      async signOut() {
        if (token !== undefined) setToken(undefined);
        else await call('/api/sign-out', { method: 'POST' });
        location.reload();
      },
    };
  }, [part, me, error, token, setToken, wasTokenRefused, forgetRefusedToken, refresh]);
  return <MeContext.Provider value={state}>{children}</MeContext.Provider>;
}

/** Undefined on a page that does not know its part. */
export const useOptionalMe = (): MeState | undefined => useContext(MeContext);

export function useMe(): MeState {
  const state = useOptionalMe();
  if (!state) throw new Error('useMe was called outside of MeProvider');
  return state;
}
