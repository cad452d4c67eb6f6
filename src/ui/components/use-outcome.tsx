/** The outcome of the last action: a notice that stays in view until it is closed. */
import { useState } from 'preact/hooks';
import { formatError } from '../i18n/error-text.ts';
import { useTranslation } from '../i18n/use-translation.tsx';
import { Notice } from './notice.tsx';

interface Outcome {
  readonly text: string;
  readonly isError: boolean;
}

/** @param refresh reloads the data of the page after each action */
export function useOutcome(refresh: () => void) {
  const { t, language } = useTranslation();
  const [outcome, setOutcome] = useState<Outcome>();
  return {
    outcome,
    close: () => setOutcome(undefined),
    report: (text: string) => setOutcome({ text, isError: false }),
    /** Runs an action and shows its text, or its error. An action without a text shows nothing. */
    async run(action: () => Promise<string | undefined>): Promise<void> {
      try {
        const text = await action();
        setOutcome(text === undefined ? undefined : { text, isError: false });
      } catch (cause) {
        setOutcome({ text: formatError(cause, language, t), isError: true });
      }
      refresh();
    },
  };
}

interface OutcomeNoticeProps {
  readonly outcome: Outcome | undefined;
  readonly onClose: () => void;
  readonly testId: string;
}

export function OutcomeNotice({ outcome, onClose, testId }: OutcomeNoticeProps) {
  if (!outcome) return null;
  return (
    <Notice kind={outcome.isError ? 'error' : 'good'} testId={testId} onClose={onClose}>
      {outcome.text}
    </Notice>
  );
}
