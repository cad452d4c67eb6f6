/** Text that people copy to another place: a command, a link, a token. */
import { useState } from 'preact/hooks';
import { useTranslation } from '../i18n/use-translation.tsx';

interface CopyableProps {
  readonly text: string;
  readonly testId: string;
}

export function Copyable({ text, testId }: CopyableProps) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState<string>();
  return (
    <div class="copyable">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region must be reachable with the keyboard */}
      <pre data-testid={testId} tabIndex={0}>
        {text}
      </pre>
      {/* Browsers allow the clipboard only on secure pages. Elsewhere the person selects and copies the text. */}
      {'clipboard' in navigator && (
        <div class="actions">
          <button
            type="button"
            data-testid={`copy-${testId}`}
            onClick={() =>
              void navigator.clipboard.writeText(text).then(
                () => setCopied(text),
                () => setCopied(undefined),
              )
            }
          >
            {copied === text ? t.admin.copied : t.admin.copy}
          </button>
          <span class="visually-hidden" role="status">
            {copied === text ? t.admin.copied : ''}
          </span>
        </div>
      )}
    </div>
  );
}
