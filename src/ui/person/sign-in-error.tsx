/** Why signing in failed, and when to try again. */
import { isProblemCode, type ProblemCode } from '../../protocol/problems.ts';
import { ApiError } from '../api/api-error.ts';
import { ErrorText, Notice } from '../components/notice.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { SessionNotKept } from './sign-in-call.ts';

export function SignInError({ error }: { readonly error: unknown }) {
  const { t, format } = useTranslation();
  if (error instanceof SessionNotKept) {
    return (
      <p class="bad" role="alert">
        {t.signInPage.notKept}
      </p>
    );
  }
  if (
    error instanceof ApiError &&
    error.code === 'sign-in-limited' &&
    error.retryAfterSeconds !== undefined
  ) {
    return (
      <p class="bad" role="alert">
        {t.signInPage.wait(format.duration(error.retryAfterSeconds * 1_000))}
      </p>
    );
  }
  return <ErrorText error={error} />;
}

/** Codes with which central or a site sends the browser back to the sign-in page. Others are not shown as if the server had sent them. */
const RETURN_CODES: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'sign-in-failed',
  'sign-in-limited',
  'sign-in-unavailable',
  'sign-in-refused',
  'sign-in-expired',
  'central-unreachable',
  'key-unknown',
  'site-revoked',
  'code-invalid',
  'link-invalid',
  'site-unknown',
  'not-permitted',
  'not-joined',
]);

/** @param code the parameter `error` of the address */
export function ReturnNotice({ code }: { readonly code: string | null }) {
  const { t } = useTranslation();
  if (code === null) return null;
  return (
    <Notice kind="error" testId="sign-in-error">
      {isProblemCode(code) && RETURN_CODES.has(code) ? t.problems[code] : t.signInPage.failed}
    </Notice>
  );
}
