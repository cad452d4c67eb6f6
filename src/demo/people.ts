/** The people of the demo: an operator, an author at the first site, and a viewer. Central creates them from its configuration. */
import type { z } from 'zod';
import { call } from '../kernel/http/client.ts';
import { newLinkResponseSchema } from '../protocol/people/people.ts';
import type { RoleName } from '../protocol/people/permissions.ts';
import type { DemoLayout } from './layout.ts';

export interface DemoPerson {
  readonly id: string;
  readonly name: string;
  /** Shown on the sign-in page. */
  readonly role: string;
  /** Roles for everything. */
  readonly roles: readonly RoleName[];
}

const CALL_TIMEOUT_MS = 10_000;
const AUTHOR_ID = '01940000-0000-7000-8000-00000000000b';

export const DEMO_PEOPLE: readonly DemoPerson[] = [
  {
    id: '01940000-0000-7000-8000-00000000000a',
    name: '王芳 Wang Fang',
    role: '操作员 Operator',
    roles: ['operator'],
  },
  { id: AUTHOR_ID, name: '李娜 Li Na', role: '杭州作者 Author at Hangzhou', roles: ['viewer'] },
  {
    id: '01940000-0000-7000-8000-00000000000c',
    name: '张伟 Zhang Wei',
    role: '观众 Viewer',
    roles: ['viewer'],
  },
];

/** Only a site that exists can have an author. @param site the id of the site */
export async function assignAuthor({ centralUrl }: DemoLayout, token: string, site: string): Promise<void> {
  const roles = [
    { role: 'viewer', scope: 'everything' },
    { role: 'author', scope: { site } },
  ];
  const response = await fetch(`${centralUrl}/api/people/${AUTHOR_ID}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ roles }),
    signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`Central refused the roles of the author: ${await response.text()}`);
}

/** Prints links that sign in without the sign-in page, once each. */
export async function printLinks(
  { centralUrl }: DemoLayout,
  token: string,
  print: (line: string) => void,
): Promise<void> {
  print('  Sign in as (each link works once, within an hour; the sign-in page offers the same people)');
  for (const { id, name, role } of DEMO_PEOPLE) {
    const body = { kind: 'sign-in' };
    const { link } = await postToCentral(
      `${centralUrl}/api/people/${id}/links`,
      token,
      newLinkResponseSchema,
      body,
    );
    print(`    ${name}, ${role}`);
    print(`      ${link}`);
  }
  print('');
}

/** Makes a call of central as the operator. */
export const postToCentral = <T>(
  url: string,
  token: string,
  response: z.ZodType<T>,
  body: unknown,
): Promise<T> =>
  call(url, {
    method: 'POST',
    body,
    headers: { authorization: `Bearer ${token}` },
    timeoutMs: CALL_TIMEOUT_MS,
    maxBytes: 2 ** 20,
    response,
  });
