/** What appears over the picture for a moment: an offer to continue, the next video, the sound, a gesture. */
import { useEffect, useState } from 'preact/hooks';
import { formatClock } from '../i18n/format.ts';
import { useTranslation } from '../i18n/use-translation.tsx';
import type { NextVideo } from './player-props.ts';

const NEXT_AFTER_S = 8;
const HINT_MS = 700;

interface OverlaysProps {
  readonly resumeMs: number | undefined;
  readonly onResume: (ms: number | undefined) => void;
  readonly isSilenced: boolean;
  readonly onUnmute: () => void;
  readonly hintSeconds: number | undefined;
  /** Undefined unless the video has ended and another one follows. */
  readonly next: NextVideo | undefined;
  readonly onCancelNext: () => void;
}

export function Overlays(props: OverlaysProps) {
  const { resumeMs, onResume, isSilenced, onUnmute, hintSeconds, next, onCancelNext } = props;
  return (
    <div class="player-layer" data-hint={hintSeconds !== undefined}>
      <div class="player-offers">
        {resumeMs !== undefined && (
          <ResumeOffer
            atMs={resumeMs}
            onAccept={() => onResume(resumeMs)}
            onDismiss={() => onResume(undefined)}
          />
        )}
        {isSilenced && <Unmute onUnmute={onUnmute} />}
      </div>
      {hintSeconds !== undefined && <Hint seconds={hintSeconds} />}
      {next && <NextOffer next={next} onCancel={onCancelNext} />}
    </div>
  );
}

interface ResumeOfferProps {
  readonly atMs: number;
  readonly onAccept: () => void;
  readonly onDismiss: () => void;
}

function ResumeOffer({ atMs, onAccept, onDismiss }: ResumeOfferProps) {
  const { t } = useTranslation();
  return (
    <section class="player-offer" aria-label={t.player.resumeLabel} data-testid="resume">
      <button type="button" class="primary small" onClick={onAccept}>
        {t.player.resume(formatClock(atMs))}
      </button>
      <button type="button" class="small" onClick={onDismiss} aria-label={t.common.close}>
        ✕
      </button>
    </section>
  );
}

function Unmute({ onUnmute }: { readonly onUnmute: () => void }) {
  const { t } = useTranslation();
  return (
    <div class="player-offer">
      <button type="button" class="small" onClick={onUnmute} data-testid="unmute">
        {t.player.unmute}
      </button>
    </div>
  );
}

interface NextOfferProps {
  readonly next: NextVideo;
  readonly onCancel: () => void;
}

/** Leads to the next video after some seconds, unless the viewer cancels or does not look at the page. */
function NextOffer({ next, onCancel }: NextOfferProps) {
  const { t, format } = useTranslation();
  const [leftS, setLeft] = useState(NEXT_AFTER_S);
  useEffect(() => {
    if (leftS <= 0) {
      location.assign(next.href);
      return;
    }
    const timer = setTimeout(() => {
      if (!document.hidden) setLeft(leftS - 1);
    }, 1_000);
    return () => clearTimeout(timer);
  }, [leftS, next.href]);
  return (
    <section class="player-next" aria-label={t.player.next} data-testid="next-offer">
      <p class="player-next-hint">{t.player.nextIn(format.duration(leftS * 1_000))}</p>
      <p class="player-next-name" dir="auto">
        {next.name}
      </p>
      <div class="row">
        <a class="button primary small" href={next.href}>
          {t.player.playNow}
        </a>
        <button type="button" class="small" onClick={onCancel}>
          {t.common.cancel}
        </button>
      </div>
    </section>
  );
}

/** @returns the seconds of a gesture in progress or just ended, and a function that sets them */
export function useHint() {
  const [hint, setHint] = useState<{ readonly seconds: number } | undefined>();
  useEffect(() => {
    if (!hint) return;
    const timer = setTimeout(() => setHint(undefined), HINT_MS);
    return () => clearTimeout(timer);
  }, [hint]);
  return {
    seconds: hint?.seconds,
    setSeconds: (seconds: number | undefined) => setHint(seconds === undefined ? undefined : { seconds }),
  };
}

function Hint({ seconds }: { readonly seconds: number }) {
  const { format } = useTranslation();
  const sign = seconds < 0 ? '−' : '+';
  return (
    <div class={`player-hint ${seconds < 0 ? 'player-hint-back' : ''}`} aria-hidden="true">
      {sign}
      {format.duration(Math.abs(seconds) * 1_000)}
    </div>
  );
}
