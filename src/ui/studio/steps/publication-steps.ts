/** The steps of a video from the upload to the registered record. Pure. */
import type { SiteVideo } from '../../../protocol/site.ts';
import type { Texts } from '../../i18n/texts.ts';

const STEPS = ['uploading', 'checking', 'ready', 'signalSent', 'published', 'registered'] as const;
type Step = (typeof STEPS)[number];
type StepStatus = 'done' | 'active' | 'waiting' | 'failed';
export type VideoStatus = keyof Texts['studio']['videoStatus'];

export type StepFacts = Pick<
  SiteVideo,
  'state' | 'signalSent' | 'published' | 'registered' | 'receivedBytes' | 'sizeBytes'
> &
  Partial<Pick<SiteVideo, 'approval' | 'audience'>>;
/** The steps before those that wait for approval. */
const READY_STEPS = 3;
const REGISTERED = {
  public: 'registered',
  internal: 'registeredInternal',
  groups: 'registeredGroups',
  private: 'registeredPrivate',
} as const;

/** A step that is done implies the steps before it: central may read a record before its signal arrives. */
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
  const isHeld = video.approval !== undefined && done >= READY_STEPS;
  const current: StepStatus = video.state === 'failed' ? 'failed' : isHeld ? 'waiting' : 'active';
  return STEPS.map((step, index) => ({
    step,
    status: index < done ? 'done' : index === done ? current : 'waiting',
  }));
}

/** @param isJoined the site has a central to publish to */
export function chooseVideoStatus(video: StepFacts, isJoined: boolean): VideoStatus {
  switch (video.state) {
    case 'uploading':
      return 'incomplete';
    case 'checking':
    case 'preparing':
    case 'failed':
      return video.state;
    case 'withdrawn':
      return video.published || !isJoined ? 'withdrawn' : 'withdrawing';
    case 'ready':
      if (video.approval) return video.approval === 'awaiting' ? 'awaiting' : 'sentBack';
      if (video.registered) return REGISTERED[video.audience ?? 'public'];
      if (!isJoined) return 'local';
      if (video.published) return 'registering';
      return video.signalSent ? 'publishing' : 'signalling';
  }
}

const FINAL: ReadonlySet<VideoStatus> = new Set<VideoStatus>([
  ...Object.values(REGISTERED),
  'awaiting',
  'sentBack',
  'local',
  'failed',
  'withdrawn',
]);

/** The status will change without the person. */
export const isInProgress = (video: StepFacts, isJoined: boolean): boolean =>
  !FINAL.has(chooseVideoStatus(video, isJoined));
