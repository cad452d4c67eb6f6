/** The steps of a video, and the progress of the current one. */
import type { SiteVideo } from '../../../protocol/site.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { listSteps, type StepFacts } from './publication-steps.ts';

export function Stepper({ video }: { readonly video: StepFacts }) {
  const { t } = useTranslation();
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
            <span class="visually-hidden">, {t.studio.stepStatus[status]}</span>
          </span>
        </li>
      ))}
    </ol>
  );
}

/** An indeterminate bar while the progress of the current step is unknown. */
export function StepProgress({ video, label }: { readonly video: SiteVideo; readonly label: string }) {
  if (video.state === 'uploading') return <progress max={1} value={video.progress} aria-label={label} />;
  if (video.state !== 'checking' && video.state !== 'preparing') return null;
  return video.progress > 0 ? (
    <progress max={1} value={video.progress} aria-label={label} />
  ) : (
    <progress aria-label={label} />
  );
}
