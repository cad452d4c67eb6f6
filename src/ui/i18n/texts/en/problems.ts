/** What the English pages say about each problem of a server, if the server gives no detail. */
import { defaultDetail, PROBLEMS, type ProblemCode } from '../../../../protocol/problems.ts';

/** The protocol's texts address the sender of the request. These address the person in front of the page. */
const FOR_VIEWERS: Readonly<Partial<Record<ProblemCode, string>>> = {
  'video-unknown': 'Video not found. It may not be published yet, or the address is incomplete.',
  'video-withdrawn': 'This video was withdrawn by the site that published it.',
  'no-source': 'No site can serve this video right now. This page will keep trying.',
  'grant-expired': 'This link has expired. Ask the person who sent it for a new one.',
  'grant-revoked': 'This link has been revoked.',
  'sign-in-needed': 'Sign in to continue.',
  'sign-in-limited': 'Too many attempts to sign in. Wait for up to 15 minutes, then try again.',
  'sign-in-failed': 'The e-mail address or the password is wrong.',
  'link-invalid': 'This link was already used, has expired or is incomplete. Ask for a new one.',
};

const codes = Object.keys(PROBLEMS) as readonly ProblemCode[];

export const enProblems = Object.fromEntries(
  codes.map(code => [code, FOR_VIEWERS[code] ?? defaultDetail(code)]),
) as Readonly<Record<ProblemCode, string>>;
