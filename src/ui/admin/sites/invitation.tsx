/** The join token of a new member, shown once, with the lines for its configuration. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { formatJoinLines, type Invitation } from './join-lines.ts';

export type { Invitation };

interface InvitationPanelProps {
  readonly invitation: Invitation;
  readonly onClose: () => void;
}

export function InvitationPanel({ invitation, onClose }: InvitationPanelProps) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState<string>();
  // The panel is above the button that requested it. It is shown once, so it takes the focus.
  const ref = useRef<HTMLElement>(null);
  useEffect(() => ref.current?.focus(), [invitation]);
  const lines = formatJoinLines(invitation, location.origin);
  return (
    <section
      ref={ref}
      tabIndex={-1}
      class="panel notice-good"
      aria-labelledby="invitation"
      data-testid="invitation"
    >
      <h2 id="invitation">{t.admin.invitationHeading(invitation.name)}</h2>
      <p>{t.admin.invitationText}</p>
      <pre data-testid="join-lines">{lines}</pre>
      <div class="actions">
        {/* Browsers allow the clipboard only on secure pages. Elsewhere the person selects and copies the lines. */}
        {'clipboard' in navigator && (
          <button
            type="button"
            class="primary"
            onClick={() =>
              void navigator.clipboard.writeText(lines).then(
                () => setCopied(lines),
                () => setCopied(undefined),
              )
            }
          >
            {copied === lines ? t.admin.copied : t.admin.copy}
          </button>
        )}
        <button type="button" onClick={onClose}>
          {t.common.close}
        </button>
      </div>
    </section>
  );
}
