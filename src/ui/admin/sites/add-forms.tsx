/** The forms that add a site or a tracker. Central reports the errors that these cannot find. */
import { useState } from 'preact/hooks';
import { call } from '../../api/call.ts';
import { Field, type FieldSpec, labelsOf } from '../../components/field.tsx';
import { ErrorText } from '../../components/notice.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import type { Invitation } from './join-lines.ts';
import { parseNewSite, type SiteFields } from './new-site.ts';

interface AddProps {
  readonly token: string | undefined;
  readonly onInvited: (invitation: Invitation) => void;
}

/** @throws ApiError */
export async function requestInvitation(
  url: string,
  token: string | undefined,
  body?: object,
): Promise<Pick<Invitation, 'joinToken' | 'central'>> {
  const { joinToken, central } = await call<{ joinToken: string; central?: string }>(url, {
    method: 'POST',
    token,
    body,
  });
  // Without a configured base URL, central is where this page comes from.
  return { joinToken, central: central ?? location.origin };
}

export function AddSite({ token, onInvited }: AddProps) {
  const { t } = useTranslation();
  return (
    <AddForm
      title={t.admin.addSite}
      testId="add-site"
      fields={[
        { key: 'name', label: t.admin.name, hint: t.admin.nameHint, required: true },
        { key: 'baseUrl', label: t.admin.baseUrl, hint: t.admin.baseUrlHint, required: true, kind: 'url' },
        { key: 'latitude', label: t.admin.latitude, kind: 'number' },
        { key: 'longitude', label: t.admin.longitude, kind: 'number' },
        { key: 'zone', label: t.admin.zone, hint: t.admin.zoneHint, kind: 'lines' },
      ]}
      send={async fields => {
        const body = parseNewSite(fields, t.admin);
        const { name, baseUrl } = body;
        onInvited({
          role: 'site',
          name,
          baseUrl,
          member: 'new',
          ...(await requestInvitation('/api/sites', token, body)),
        });
      }}
    />
  );
}

export function AddTracker({ token, onInvited }: AddProps) {
  const { t } = useTranslation();
  return (
    <AddForm
      title={t.admin.addTracker}
      testId="add-tracker"
      fields={[
        { key: 'name', label: t.admin.name, required: true },
        { key: 'baseUrl', label: t.admin.baseUrl, hint: t.admin.baseUrlHint, required: true, kind: 'url' },
      ]}
      send={async ({ name, baseUrl }) => {
        const body = { name: name.trim(), baseUrl: baseUrl.trim() };
        onInvited({
          role: 'tracker',
          ...body,
          member: 'new',
          ...(await requestInvitation('/api/trackers', token, body)),
        });
      }}
    />
  );
}

const EMPTY: SiteFields = { name: '', baseUrl: '', latitude: '', longitude: '', zone: '' };

interface AddFormProps {
  readonly title: string;
  readonly testId: string;
  readonly fields: readonly FieldSpec<keyof SiteFields>[];
  readonly send: (fields: SiteFields) => Promise<void>;
}

function AddForm({ title, testId, fields, send }: AddFormProps) {
  const { t } = useTranslation();
  const [values, setValues] = useState(EMPTY);
  const [error, setError] = useState<unknown>();
  const submit = async (): Promise<void> => {
    try {
      await send(values);
      setValues(EMPTY);
      setError(undefined);
    } catch (cause) {
      setError(cause);
    }
  };
  return (
    <details data-testid={testId}>
      <summary>{title}</summary>
      <form
        class="form"
        onSubmit={event => {
          event.preventDefault();
          void submit();
        }}
      >
        {fields.map(spec => (
          <Field
            key={spec.key}
            spec={spec}
            value={values[spec.key]}
            onInput={value => setValues(before => ({ ...before, [spec.key]: value }))}
          />
        ))}
        <ErrorText error={error} isWide labels={labelsOf(fields)} />
        <div class="full-width">
          <button type="submit" class="primary">
            {t.admin.add}
          </button>
        </div>
      </form>
    </details>
  );
}
