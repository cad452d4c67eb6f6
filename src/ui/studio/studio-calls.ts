/** The calls of the studio page, each of which reloads what it changes. */
import type { SiteJob } from '../../protocol/job.ts';
import type { Owner } from '../../protocol/publication/record.ts';
import type { SiteVideo } from '../../protocol/site.ts';
import { call } from '../api/call.ts';
import { makeCaptionsCalls } from './captions/captions-calls.ts';
import type { JobCalls } from './jobs/job-list.tsx';
import type { VideoCalls } from './video-actions.ts';

interface Refreshable {
  readonly refresh: () => void;
}

export function makeJobCalls(token: string | undefined, videos: Refreshable): JobCalls {
  const run = async (job: SiteJob, method: 'PATCH' | 'POST', path: string, body?: object): Promise<void> => {
    await call(`/api/jobs/${job.id}${path}`, { method, token, ...(body ? { body } : {}) });
    videos.refresh();
  };
  return {
    setPriority: (job, priority) => run(job, 'PATCH', '', { priority }),
    cancel: job => run(job, 'POST', '/cancel'),
    retry: job => run(job, 'POST', '/retry'),
  };
}

export function makeVideoCalls(token: string | undefined, video: SiteVideo, videos: Refreshable): VideoCalls {
  const run = async (method: 'PATCH' | 'POST' | 'DELETE', path: string, body?: object): Promise<void> => {
    await call(`/api/videos/${video.id}${path}`, { method, token, ...(body ? { body } : {}) });
    videos.refresh();
  };
  return {
    withdraw: () => run('DELETE', ''),
    publish: () => run('POST', '/publish'),
    sendBack: comment => run('POST', '/send-back', { comment }),
    submit: () => run('POST', '/submit'),
    find: email => call<Owner>('/api/people/lookup', { method: 'POST', body: { email }, token }),
    transfer: owner => run('PATCH', '', { owner }),
    trim: marks => run('POST', '/trim', marks),
    captions: makeCaptionsCalls(token, video.id, videos.refresh),
  };
}
