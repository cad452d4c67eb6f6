import { describe, expect, it } from 'vitest';
import { chooseVideoStatus, isInProgress, listSteps, type StepFacts } from './publication-steps.ts';

const ready = {
  state: 'ready',
  signalSent: false,
  published: false,
  registered: false,
  receivedBytes: 9,
  sizeBytes: 9,
} as const;
const firstLetters = (video: StepFacts): string =>
  listSteps(video)
    .map(({ status }) => status[0])
    .join('');

describe('the steps of a video', () => {
  it.each([
    [{ ...ready, state: 'uploading' }, 'awwwww', 'incomplete'],
    [{ ...ready, state: 'checking' }, 'dawwww', 'checking'],
    [{ ...ready, state: 'preparing' }, 'dawwww', 'preparing'],
    [ready, 'dddaww', 'signalling'],
    [{ ...ready, signalSent: true }, 'ddddaw', 'publishing'],
    [{ ...ready, published: true }, 'ddddda', 'registering'],
    [{ ...ready, registered: true }, 'dddddd', 'registered'],
    [{ ...ready, registered: true, audience: 'private' }, 'dddddd', 'registeredPrivate'],
    [{ ...ready, registered: true, audience: 'groups' }, 'dddddd', 'registeredGroups'],
    [{ ...ready, approval: 'awaiting' }, 'dddwww', 'awaiting'],
    [{ ...ready, approval: 'sent-back' }, 'dddwww', 'sentBack'],
    [{ ...ready, state: 'preparing', approval: 'awaiting' }, 'dawwww', 'preparing'],
    [{ ...ready, state: 'failed' }, 'dfwwww', 'failed'],
    [{ ...ready, state: 'failed', receivedBytes: 3 }, 'fwwwww', 'failed'],
  ] as const)('of %j', (video, steps, status) => {
    expect(firstLetters(video)).toBe(steps);
    expect(chooseVideoStatus(video, true)).toBe(status);
  });
  it('end before the signal at a site without a central', () => {
    expect(chooseVideoStatus(ready, false)).toBe('local');
    expect(isInProgress(ready, true)).toBe(true);
    expect(isInProgress(ready, false)).toBe(false);
  });
  it('end when the video is registered, private or public', () => {
    expect(isInProgress({ ...ready, registered: true }, true)).toBe(false);
    const isPrivate = { ...ready, registered: true, visibility: 'private' } as const;
    expect(isInProgress(isPrivate, true)).toBe(false);
  });
  it('of a withdrawn video end when central knows of it', () => {
    const withdrawn = { ...ready, state: 'withdrawn' } as const;
    expect(chooseVideoStatus(withdrawn, true)).toBe('withdrawing');
    expect(isInProgress(withdrawn, true)).toBe(true);
    expect(chooseVideoStatus({ ...withdrawn, published: true }, true)).toBe('withdrawn');
    expect(chooseVideoStatus(withdrawn, false)).toBe('withdrawn');
  });
});
