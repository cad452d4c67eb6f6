import type { SiteVideo } from '../../protocol/site.ts';
import { useSpeech } from '../i18n/use-translation.tsx';
import { listSteps } from './publication-steps.ts';

export function Stepper({ video }: { readonly video: Parameters<typeof listSteps>[0] }) {
  const { t } = useSpeech();
  return (
    <ol class="steps" aria-label={t.studio.stepsLabel}>
      {listSteps(video).map(({ step, status }) => (
        <li
          key={step}
          class={status}
          data-step={step}
          aria-current={status === 'active' ? 'step' : undefined}
        >
          <span>
            {t.studio.steps[step]}
            <span class="hidden-text">, {t.studio.stepStatus[status]}</span>
          </span>
        </li>
      ))}
    </ol>
  );
}

/** How far the present step is, where that can be said; a moving bar where it cannot. */
export function StepProgress({ video, label }: { readonly video: SiteVideo; readonly label: string }) {
  if (video.state === 'uploading') return <progress max={1} value={video.progress} aria-label={label} />;
  if (video.state !== 'checking' && video.state !== 'preparing') return null;
  return video.progress > 0 ? (
    <progress max={1} value={video.progress} aria-label={label} />
  ) : (
    <progress aria-label={label} />
  );
}
