/** Whether a person can sign in: one-time links, and disabling the account. */
import { useState } from 'preact/hooks';
import type { z } from 'zod';
import type { newLinkResponseSchema, Person } from '../../protocol/people/people.ts';
import { call } from '../api/call.ts';
import { useAction } from '../api/use-action.ts';
import { Confirm } from '../components/dialog.tsx';
import { ErrorText } from '../components/notice.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useMe } from '../me/use-me.tsx';
import { LinkPanel } from './link-panel.tsx';

type NewLink = z.infer<typeof newLinkResponseSchema>;
type Step = 'disable' | 'enable' | 'password' | 'sign-in';

interface PersonAccessProps {
  readonly person: Person;
  /** @throws ApiError */
  readonly onEdit: (body: object, outcome: string) => Promise<void>;
}

export function PersonAccess({ person, onEdit }: PersonAccessProps) {
  const { t, format } = useTranslation();
  const { token, isAllowed } = useMe();
  const [step, setStep] = useState<Step>();
  const [link, setLink] = useState<NewLink>();
  const action = useAction();
  const texts = t.people.access;
  const { name } = person;
  const makeLink = async (kind: 'password' | 'sign-in'): Promise<void> => {
    const url = `/api/people/${person.id}/links`;
    setLink(await call<NewLink>(url, { method: 'POST', token, body: { kind } }));
  };
  const steps: Readonly<Record<Step, StepTexts & { readonly work: () => Promise<void> }>> = {
    disable: {
      title: texts.disableTitle(name),
      text: texts.disableText(name),
      yes: texts.disable,
      work: () => onEdit({ disabled: true }, texts.disabled(name)),
    },
    enable: {
      title: texts.enableTitle(name),
      text: texts.enableText(name),
      yes: texts.enable,
      work: () => onEdit({ disabled: false }, texts.enabled(name)),
    },
    password: {
      title: texts.passwordLinkTitle(name),
      text: texts.passwordLinkText,
      yes: texts.passwordLink,
      work: () => makeLink('password'),
    },
    'sign-in': {
      title: texts.signInLinkTitle(name),
      text: texts.signInLinkText,
      yes: texts.signInLink,
      work: () => makeLink('sign-in'),
    },
  };
  const button = (each: Step) => (
    <button type="button" disabled={action.isRunning} onClick={() => setStep(each)} data-testid={each}>
      {steps[each].yes}
    </button>
  );
  return (
    <section class="panel" aria-labelledby="access" data-testid="access">
      <h2 id="access">{texts.heading}</h2>
      <p>{person.disabled ? texts.disabledText : texts.active}</p>
      {link && (
        <LinkPanel
          heading={texts.linkHeading(name)}
          text={texts.linkText(format.dateTime(link.expiresAt))}
          link={link.link}
          onClose={() => setLink(undefined)}
        />
      )}
      <ErrorText error={action.error} />
      <div class="actions">
        {person.disabled ? (
          button('enable')
        ) : (
          <>
            {button('password')}
            {isAllowed('everything', {}) && button('sign-in')}
            {button('disable')}
          </>
        )}
      </div>
      {step && (
        <Confirm
          {...steps[step]}
          isDangerous={step === 'disable'}
          no={t.common.cancel}
          onYes={() => {
            setStep(undefined);
            void action.run(steps[step].work);
          }}
          onNo={() => setStep(undefined)}
        />
      )}
    </section>
  );
}

interface StepTexts {
  readonly title: string;
  readonly text: string;
  readonly yes: string;
}
