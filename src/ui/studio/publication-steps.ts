/** The way of a video from the file to the registered record, as steps. Pure. */
import type { SiteVideo } from '../../protocol/site.ts';
import type { Texts } from '../i18n/texts.ts';

export const STEPS = ['uploading', 'checking', 'ready', 'signalSent', 'published', 'registered'] as const;
export type Step = (typeof STEPS)[number];
export type StepStatus = 'done' | 'active' | 'waiting' | 'failed';

type StepFacts = Pick<
  SiteVideo,
  'state' | 'signalSent' | 'published' | 'registered' | 'receivedBytes' | 'sizeBytes'
>;

/** A later step that is done stands for those before it: the centre may read a record before its signal has come. */
function countDone(video: StepFacts): number {
  switch (video.state) {
    case 'uploading':
      return 0;
    case 'checking':
    case 'preparing':
      return 1;
    case 'failed':
      return video.receivedBytes < video.sizeBytes ? 0 : 1;
    default:
      if (video.registered) return 6;
      if (video.published) return 5;
      return video.signalSent ? 4 : 3;
  }
}

export function listSteps(video: StepFacts): readonly { readonly step: Step; readonly status: StepStatus }[] {
  const done = countDone(video);
  const present: StepStatus = video.state === 'failed' ? 'failed' : 'active';
  return STEPS.map((step, index) => ({
    step,
    status: index < done ? 'done' : index === done ? present : 'waiting',
  }));
}

/** What is going on, in words. `joined`: the site has a centre to publish to. */
export function describeDoing(video: StepFacts, joined: boolean): keyof Texts['studio']['videoStatus'] {
  switch (video.state) {
    case 'uploading':
      return 'incomplete';
    case 'checking':
    case 'preparing':
    case 'failed':
      return video.state;
    case 'withdrawn':
      return video.published || !joined ? 'withdrawn' : 'withdrawing';
    case 'ready':
      if (video.registered) return 'registered';
      if (!joined) return 'local';
      if (video.published) return 'registering';
      return video.signalSent ? 'publishing' : 'signalling';
  }
}

/** Something will still change by itself. */
export const isUnfinished = (video: StepFacts, joined: boolean): boolean => {
  const doing = describeDoing(video, joined);
  return doing !== 'registered' && doing !== 'local' && doing !== 'failed' && doing !== 'withdrawn';
};
