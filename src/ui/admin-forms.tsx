/** Adding a site or a tracker: a form, and then the lines that join it. */
import { useState } from 'preact/hooks';
import { call, messageOf } from './api.ts';
import { type TextKey, t } from './i18n.ts';

interface FormProps {
  readonly token: string;
  readonly onAdded: () => void;
}
interface Field {
  readonly key: string;
  readonly label: TextKey;
  readonly required?: boolean;
  readonly placeholder?: string;
}
type Values = Readonly<Record<string, string>>;

const SITE_FIELDS: readonly Field[] = [
  { key: 'name', label: 'name', required: true },
  { key: 'baseUrl', label: 'baseUrl', required: true, placeholder: 'https://site.example.edu' },
  { key: 'latitude', label: 'latitude', placeholder: '30.27' },
  { key: 'longitude', label: 'longitude', placeholder: '120.16' },
  { key: 'zone', label: 'zone', placeholder: '10.1.0.0/16 2001:db8:1::/48' },
];
const TRACKER_FIELDS: readonly Field[] = [
  { key: 'name', label: 'name', required: true },
  { key: 'baseUrl', label: 'baseUrl', required: true, placeholder: 'https://tracker.example.edu' },
];

export const AddSite = ({ token, onAdded }: FormProps) => (
  <AddForm
    title="addSite"
    section="site"
    fields={SITE_FIELDS}
    send={values =>
      call('/api/sites', {
        method: 'POST',
        token,
        body: {
          name: values.name,
          baseUrl: values.baseUrl,
          zone: (values.zone ?? '').split(/[\s,]+/).filter(Boolean),
          ...(values.latitude && values.longitude
            ? { coordinates: { latitude: Number(values.latitude), longitude: Number(values.longitude) } }
            : {}),
        },
      })
    }
    onAdded={onAdded}
  />
);

export const AddTracker = ({ token, onAdded }: FormProps) => (
  <AddForm
    title="addTracker"
    section="tracker"
    fields={TRACKER_FIELDS}
    send={({ name, baseUrl }) => call('/api/trackers', { method: 'POST', token, body: { name, baseUrl } })}
    onAdded={onAdded}
  />
);

interface AddFormProps {
  readonly title: TextKey;
  readonly section: 'site' | 'tracker';
  readonly fields: readonly Field[];
  readonly send: (values: Values) => Promise<{ readonly joinToken: string }>;
  readonly onAdded: () => void;
}

function AddForm({ title, section, fields, send, onAdded }: AddFormProps) {
  const [values, setValues] = useState<Values>({});
  const [lines, setLines] = useState<string>();
  const [failure, setFailure] = useState<string>();
  const submit = async (): Promise<void> => {
    try {
      const { joinToken } = await send(values);
      setLines(
        `[${section}]\nbaseUrl = ${JSON.stringify(values.baseUrl ?? '')}\ncentral = ${JSON.stringify(location.origin)}\njoinToken = ${JSON.stringify(joinToken)}\n`,
      );
      setValues({});
      setFailure(undefined);
      onAdded();
    } catch (error) {
      setFailure(messageOf(error));
    }
  };
  return (
    <details>
      <summary>{t(title)}</summary>
      <form
        class="form"
        onSubmit={event => {
          event.preventDefault();
          void submit();
        }}
      >
        {fields.map(({ key, label, required, placeholder }) => (
          <label key={key}>
            {t(label)}
            <input
              required={required ?? false}
              placeholder={placeholder ?? ''}
              value={values[key] ?? ''}
              onInput={event => setValues({ ...values, [key]: event.currentTarget.value })}
            />
          </label>
        ))}
        <button type="submit" class="main">
          {t('add')}
        </button>
      </form>
      {failure && (
        <p class="bad" role="alert">
          {failure}
        </p>
      )}
      {lines && <JoinLines lines={lines} />}
    </details>
  );
}

function JoinLines({ lines }: { readonly lines: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <div class="stack">
      <p>{t('joinLines')}</p>
      <pre>{lines}</pre>
      <div>
        <button
          type="button"
          onClick={() => void navigator.clipboard.writeText(lines).then(() => setCopied(true))}
        >
          {copied ? t('copied') : t('copy')}
        </button>
      </div>
    </div>
  );
}
