/** docs/errors.md lists exactly the problems of the table, and every entry of the table can be acted on. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { formatErrorsPage } from '../scripts/errors-page.mjs';
import { formatProblem, problem, problemOfPeer } from '../src/kernel/problem.ts';
import { PROBLEMS, type ProblemCode } from '../src/protocol/problems.ts';

it('docs/errors.md is generated from the table: run npm run errors-page', () => {
  expect(readFileSync('docs/errors.md', 'utf8')).toBe(formatErrorsPage(PROBLEMS));
});

it.each(Object.entries(PROBLEMS))(
  '%s has a title without a full stop and one sentence or more of advice',
  (code, entry) => {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(entry.title).toMatch(/^[A-Z].*[^.]$/);
    expect(entry.advice).toMatch(/\.$/);
    expect(entry.status).toBeGreaterThanOrEqual(400);
  },
);

it('every code of the table is used by a part', () => {
  const texts = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter(name => /\.tsx?$/.test(name) && !name.includes('.test.') && !name.startsWith('ui/'))
    .filter(name => name !== join('protocol', 'problems.ts'))
    .map(name => readFileSync(join('src', name), 'utf8'))
    .join('\n');
  expect(Object.keys(PROBLEMS).filter(code => !texts.includes(`'${code}'`))).toEqual([]);
});

it('formats a problem as RFC 9457 asks', () => {
  const { status, headers, body } = formatProblem(
    problem('no-source', 'No site is up.', { headers: { 'retry-after': '2' } }),
  );
  expect({ status, ...headers }).toEqual({
    status: 503,
    'content-type': 'application/problem+json',
    'content-length': String(Buffer.byteLength(body)),
    'retry-after': '2',
  });
  expect(JSON.parse(body)).toEqual({
    type: 'https://tributary.video/docs/errors#no-source',
    title: 'No site can serve this video',
    status: 503,
    code: 'no-source',
    detail: 'No site is up.',
  });
});

it('keeps what a peer reported: a known code with its own status, an unknown one as peer-error', () => {
  const known = problemOfPeer(410, 'video-withdrawn', 'gone');
  expect([known.code, known.status, known.peerStatus]).toEqual(['video-withdrawn', 410, 410]);
  const unknown = problemOfPeer(404, 'toString', 'no such thing');
  expect([unknown.code, unknown.status, unknown.peerStatus]).toEqual([
    'peer-error' satisfies ProblemCode,
    502,
    404,
  ]);
});
