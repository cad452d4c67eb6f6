/** Over the picture: why nothing plays, what the viewer can do, and when playback is tried again. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useTranslation } from '../i18n/use-translation.tsx';
import type { Failure } from './use-playback.ts';

interface PlaybackProblemProps {
  readonly failure: Failure | undefined;
  readonly codecs: readonly string[];
  /** The address for another program. */
  readonly url: string | undefined;
  readonly onRetry: () => void;
}

export function PlaybackProblem({ failure, codecs, url, onRetry }: PlaybackProblemProps) {
  const { t, format } = useTranslation();
  const isOnline = useOnline();
  const leftMs = useRemaining(failure?.retryAtMs);
  const { problems } = t.player;
  // The buffer may last longer than the loss of the network.
  if (failure === undefined) return null;
  if (!isOnline)
    return (
      <Problem testId="problem-offline">
        <p>{problems.offline}</p>
      </Problem>
    );
  if (failure.retryAtMs !== undefined)
    return (
      <Problem testId={failure.kind === 'busy' ? 'problem-busy' : 'problem-no-site'}>
        <p>{failure.kind === 'busy' ? problems.busy : problems.noSite}</p>
        <p data-testid="retry-in">{problems.startsIn(format.duration(leftMs))}</p>
        <button type="button" onClick={onRetry}>
          {problems.retryNow}
        </button>
      </Problem>
    );
  return (
    <Problem testId="unplayable">
      <p>
        {failure.kind === 'codec'
          ? problems.codec(codecs.join(', '))
          : t.watch[failure.kind === 'unsupported' ? 'unsupported' : 'unplayable']}
      </p>
      <p>
        {t.watch.unplayableHint} <code>{url}</code>
      </p>
    </Problem>
  );
}

function Problem({ testId, children }: { readonly testId: string; readonly children: ComponentChildren }) {
  return (
    <div class="player-problem" role="alert" data-testid={testId}>
      {children}
    </div>
  );
}

function useOnline(): boolean {
  const [isOnline, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const read = (): void => setOnline(navigator.onLine);
    addEventListener('online', read);
    addEventListener('offline', read);
    return () => {
      removeEventListener('online', read);
      removeEventListener('offline', read);
    };
  }, []);
  return isOnline;
}

function useRemaining(untilMs: number | undefined): number {
  const [nowMs, setNow] = useState(Date.now);
  useEffect(() => {
    if (untilMs === undefined) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [untilMs]);
  return Math.max(1_000, (untilMs ?? 0) - nowMs);
}
