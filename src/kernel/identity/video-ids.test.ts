import { expect, it } from 'vitest';
import { newVideoId, videoIdSchema } from '../../protocol/base/ids.ts';
import { idOwnerOf, isIdOf, makeVideoId } from './video-ids.ts';

const [owner, other] = [idOwnerOf('the secret of one site'), idOwnerOf('the secret of another site')];

it('ids are UUIDs of version 7, ordered by time, and recognized only with the secret of their site', () => {
  const ids = Array.from({ length: 1_000 }, () => makeVideoId(owner));
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.toSorted()).toEqual(ids);
  for (const id of ids) {
    expect(videoIdSchema.parse(id)).toMatch(/^.{14}7.{4}[89ab]/);
    expect(isIdOf(owner, id)).toBe(true);
    expect(isIdOf(other, id)).toBe(false);
  }
  expect(isIdOf(owner, newVideoId())).toBe(false);
});
