/** The join token of a new member, shown once, with the command and the configuration with which it starts. */
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { Copyable } from '../../components/copyable.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import {
  fileOf,
  formatInitCommand,
  formatJoinLines,
  formatStartCommand,
  formatTokenLine,
  type Invitation,
} from './join-lines.ts';

export type { Invitation };

const TOKEN_BYTES = 24;
const makeToken = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)), byte =>
    byte.toString(16).padStart(2, '0'),
  ).join('');

interface InvitationPanelProps {
  readonly invitation: Invitation;
  /** The base URLs of the other members with this role. */
  readonly others: readonly string[];
  readonly onClose: () => void;
}

export function InvitationPanel({ invitation, others, onClose }: InvitationPanelProps) {
  const { t } = useTranslation();
  // The panel is above the button that requested it. It is shown once, so it takes the focus.
  const ref = useRef<HTMLElement>(null);
  useEffect(() => ref.current?.focus(), [invitation]);
  // The list of members reloads while the panel is open. The lines stay as they were shown.
  const lines = useMemo(
    () => formatJoinLines(invitation, { operatorToken: makeToken(), others }),
    [invitation],
  );
  const { member, role } = invitation;
  const start = formatStartCommand(invitation);
  return (
    <section
      ref={ref}
      tabIndex={-1}
      class="panel notice-good"
      aria-labelledby="invitation"
      data-testid="invitation"
    >
      <h2 id="invitation">{t.admin.invitationHeading(invitation.name)}</h2>
      {member !== 'new' && (
        <>
          <p>{t.admin.renewalText(role, fileOf(invitation))}</p>
          <Copyable text={formatTokenLine(invitation)} testId="token-line" />
        </>
      )}
      {member !== 'joined' && (
        <>
          <p>{member === 'new' ? t.admin.invitationText : t.admin.renewalWithoutFile}</p>
          <Copyable text={`${formatInitCommand(invitation)} &&\n${start}`} testId="join-command" />
          <p>{t.admin.invitationLines(start)}</p>
          <Copyable text={lines} testId="join-lines" />
        </>
      )}
      <div class="actions">
        <button type="button" onClick={onClose}>
          {t.common.close}
        </button>
      </div>
    </section>
  );
}
