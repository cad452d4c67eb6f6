/** One conversion of a video: how far, how fast, how long still, and what can be done about it. */
import { useState } from 'preact/hooks';
import type { SiteJob } from '../../protocol/job.ts';
import { Refusal } from '../components/notice.tsx';
import { useSpeech } from '../i18n/use-translation.tsx';

/** Of −100 to 100; a new one is normal. */
const JOB_PRIORITIES = { low: -10, normal: 0, high: 10 } as const;

export interface JobCalls {
  readonly setPriority: (job: SiteJob, priority: number) => Promise<void>;
  readonly cancel: (job: SiteJob) => Promise<void>;
  readonly retry: (job: SiteJob) => Promise<void>;
}

interface JobRowProps {
  readonly job: SiteJob;
  readonly calls: JobCalls;
}

export function JobRow({ job, calls }: JobRowProps) {
  const { t, format } = useSpeech();
  const [error, setError] = useState<unknown>();
  const words = t.studio.jobs;
  const isOpen = job.state === 'waiting' || job.state === 'running';
  const act = (what: Promise<void>): void => {
    what.then(() => setError(undefined), setError);
  };
  const { low, high, normal } = JOB_PRIORITIES;
  return (
    <li data-testid="job" data-kind={job.kind} data-state={job.state} data-progress={job.progress.toFixed(3)}>
      <div class="job-top">
        <p class="row">
          <span>{words.kinds[job.kind]}</span>
          <span class="quiet">
            {job.state === 'running'
              ? format.percent(job.progress)
              : job.state === 'set-aside'
                ? words.failedAfter(job.attempts)
                : words.states[job.state]}
          </span>
          {job.speed !== undefined && (
            <span class="quiet" data-testid="job-speed">
              {words.speed(format.number(Math.round(job.speed * 10) / 10))}
            </span>
          )}
          {job.leftMs !== undefined && (
            <span class="quiet" data-testid="job-left">
              {t.studio.left(format.duration(Math.max(1_000, job.leftMs)))}
            </span>
          )}
          {job.workers > 1 && <span class="quiet">{words.workers(job.workers)}</span>}
        </p>
        <div class="actions">
          {isOpen && job.priority < high && (
            <button
              type="button"
              class="small plain"
              onClick={() => act(calls.setPriority(job, job.priority < normal ? normal : high))}
              data-testid="job-sooner"
            >
              {words.sooner}
            </button>
          )}
          {isOpen && job.priority > low && (
            <button
              type="button"
              class="small plain"
              onClick={() => act(calls.setPriority(job, job.priority > normal ? normal : low))}
              data-testid="job-later"
            >
              {words.later}
            </button>
          )}
          {isOpen && (
            <button
              type="button"
              class="small plain"
              onClick={() => act(calls.cancel(job))}
              data-testid="job-cancel"
            >
              {words.cancel}
            </button>
          )}
          {(job.state === 'set-aside' || job.state === 'cancelled') && (
            <button type="button" class="small" onClick={() => act(calls.retry(job))} data-testid="job-retry">
              {words.retry}
            </button>
          )}
        </div>
      </div>
      {isOpen && <progress max={1} value={job.progress} aria-label={words.kinds[job.kind]} />}
      {job.error && (
        <p class="quiet" lang="en">
          {job.error}
        </p>
      )}
      <Refusal error={error} />
    </li>
  );
}

/** Those that still matter: under way, to come, or stopped. */
export function JobList({ jobs, calls }: { readonly jobs: readonly SiteJob[]; readonly calls: JobCalls }) {
  const { t } = useSpeech();
  const shown = jobs.filter(job => job.state !== 'done');
  if (shown.length === 0) return null;
  return (
    <ul class="jobs" aria-label={t.studio.jobs.heading} data-testid="jobs">
      {shown.map(job => (
        <JobRow key={job.id} job={job} calls={calls} />
      ))}
    </ul>
  );
}
