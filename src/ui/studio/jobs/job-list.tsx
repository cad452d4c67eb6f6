/** The conversions of a video, with their progress and the actions that an operator can take. */
import { useState } from 'preact/hooks';
import type { SiteJob } from '../../../protocol/job.ts';
import { ErrorText } from '../../components/notice.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { roundLeft, useSmoothLeft } from './use-smooth-left.ts';

/** A priority is between −100 and 100. A new job is normal. */
const JOB_PRIORITIES = { low: -10, normal: 0, high: 10 } as const;

export interface JobCalls {
  readonly setPriority: (job: SiteJob, priority: number) => Promise<void>;
  readonly cancel: (job: SiteJob) => Promise<void>;
  readonly retry: (job: SiteJob) => Promise<void>;
}

interface JobRowProps {
  readonly job: SiteJob;
  readonly mayPrioritise: boolean;
  readonly calls: JobCalls;
}

function JobRow({ job, calls, mayPrioritise }: JobRowProps) {
  const { t, format } = useTranslation();
  const [error, setError] = useState<unknown>();
  const texts = t.studio.jobs;
  const isOpen = job.state === 'waiting' || job.state === 'running';
  const act = (work: Promise<void>): void => {
    work.then(() => setError(undefined), setError);
  };
  const { low, high, normal } = JOB_PRIORITIES;
  const leftMs = useSmoothLeft(job.leftMs);
  return (
    <li data-testid="job" data-kind={job.kind} data-state={job.state} data-progress={job.progress.toFixed(3)}>
      <div class="job-top">
        <p class="row">
          <span>{texts.kinds[job.kind]}</span>
          <span class="quiet">
            {job.state === 'running'
              ? format.percent(job.progress)
              : job.state === 'set-aside'
                ? texts.failedAfter(job.attempts)
                : job.position !== undefined
                  ? texts.inQueue(job.position)
                  : texts.states[job.state]}
          </span>
          {job.speed !== undefined && (
            <span class="quiet" data-testid="job-speed">
              {texts.speed(format.number(Math.round(job.speed * 10) / 10))}
            </span>
          )}
          {leftMs !== undefined && (
            <span class="quiet" data-testid="job-left">
              {t.studio.left(format.duration(roundLeft(leftMs)))}
            </span>
          )}
          {job.workers > 1 && <span class="quiet">{texts.workers(job.workers)}</span>}
        </p>
        <div class="actions">
          {isOpen && mayPrioritise && job.priority < high && (
            <button
              type="button"
              class="small plain"
              onClick={() => act(calls.setPriority(job, job.priority < normal ? normal : high))}
              data-testid="job-sooner"
            >
              {texts.sooner}
            </button>
          )}
          {isOpen && mayPrioritise && job.priority > low && (
            <button
              type="button"
              class="small plain"
              onClick={() => act(calls.setPriority(job, job.priority > normal ? normal : low))}
              data-testid="job-later"
            >
              {texts.later}
            </button>
          )}
          {isOpen && (
            <button
              type="button"
              class="small plain"
              onClick={() => act(calls.cancel(job))}
              data-testid="job-cancel"
            >
              {texts.cancel}
            </button>
          )}
          {(job.state === 'set-aside' || job.state === 'cancelled') && (
            <button type="button" class="small" onClick={() => act(calls.retry(job))} data-testid="job-retry">
              {texts.retry}
            </button>
          )}
        </div>
      </div>
      {isOpen && <progress max={1} value={job.progress} aria-label={texts.kinds[job.kind]} />}
      {job.error && (
        <p class="quiet" lang="en">
          {job.error}
        </p>
      )}
      <ErrorText error={error} />
    </li>
  );
}

interface JobListProps extends Pick<JobRowProps, 'calls' | 'mayPrioritise'> {
  readonly jobs: readonly SiteJob[];
}

/** All conversions except the finished ones. */
export function JobList({ jobs, calls, mayPrioritise }: JobListProps) {
  const { t } = useTranslation();
  const shown = jobs.filter(job => job.state !== 'done');
  if (shown.length === 0) return null;
  return (
    <ul class="jobs" aria-label={t.studio.jobs.heading} data-testid="jobs">
      {shown.map(job => (
        <JobRow key={job.id} job={job} calls={calls} mayPrioritise={mayPrioritise} />
      ))}
    </ul>
  );
}
