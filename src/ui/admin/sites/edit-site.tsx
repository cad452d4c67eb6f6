/** The form in which an administrator says how much a site counts, how much may leave it, and whose site it is. */
import { useId, useState } from 'preact/hooks';
import type { Site } from '../../../protocol/central.ts';
import { call } from '../../api/call.ts';
import { Dialog } from '../../components/dialog.tsx';
import { Field, type FieldSpec } from '../../components/field.tsx';
import { Refusal } from '../../components/notice.tsx';
import { useSpeech } from '../../i18n/use-translation.tsx';
import { type EditFields, fieldsOf, parseSiteEdit } from './site-edit.ts';

interface EditSiteProps {
  readonly site: Site;
  readonly token: string;
  readonly onSaved: (site: Site) => void;
  readonly onClose: () => void;
}

export function EditSite({ site, token, onSaved, onClose }: EditSiteProps) {
  const { t } = useSpeech();
  const { edit } = t.admin;
  // What is typed stays, though the table behind it is read anew every two seconds.
  const [fields, setFields] = useState(() => fieldsOf(site));
  const [saving, setSaving] = useState(false);
  const [error, setError] = useState<unknown>();
  const set = (change: Partial<EditFields>): void => setFields(before => ({ ...before, ...change }));
  const save = async (): Promise<void> => {
    setSaving(true);
    try {
      const body = parseSiteEdit(fields, t.admin);
      onSaved(await call<Site>(`/api/sites/${site.id}`, { method: 'PATCH', token, body }));
    } catch (cause) {
      setError(cause);
      setSaving(false);
    }
  };
  const numbers: readonly FieldSpec<'weight' | 'failoverOrder' | 'egressLimit'>[] = [
    { key: 'weight', label: edit.weight, hint: edit.weightHint, required: true, kind: 'number' },
    { key: 'failoverOrder', label: edit.order, hint: edit.orderHint, required: true, kind: 'number' },
    { key: 'egressLimit', label: edit.limit, hint: edit.limitHint, kind: 'number' },
  ];
  const isReadBySql = site.readBy === 'sql';
  return (
    <Dialog title={edit.title(site.name)} onClose={onClose} wide testId="edit-site">
      <form
        class="form"
        onSubmit={event => {
          event.preventDefault();
          void save();
        }}
      >
        {numbers.map(spec => (
          <Field
            key={spec.key}
            spec={spec}
            value={fields[spec.key]}
            onInput={value => set({ [spec.key]: value })}
          />
        ))}
        <Field
          spec={{ key: 'zone', label: t.admin.zone, hint: t.admin.zoneHint, kind: 'lines' }}
          value={fields.zone}
          onInput={zone => set({ zone })}
        />
        <Choice
          label={edit.drained}
          name="drained"
          isChosen={fields.drained}
          onChoose={drained => set({ drained })}
        />
        <Field
          spec={{
            key: 'databaseUrl',
            label: edit.database,
            hint: isReadBySql ? edit.databaseKept : edit.databaseHint,
            kind: 'secret',
            placeholder: 'postgres://user:password@host:5432/name',
          }}
          value={fields.databaseUrl}
          onInput={databaseUrl => set({ databaseUrl })}
        />
        {isReadBySql && (
          <Choice
            label={edit.useGateway}
            name="throughGateway"
            isChosen={fields.throughGateway}
            onChoose={throughGateway => set({ throughGateway })}
          />
        )}
        <Refusal error={error} isWhole />
        <div class="actions whole">
          <button type="submit" class="primary" disabled={saving}>
            {t.common.save}
          </button>
          <button type="button" class="plain" onClick={onClose}>
            {t.common.cancel}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly name: string;
  readonly isChosen: boolean;
  readonly onChoose: (isChosen: boolean) => void;
}

function Choice({ label, name, isChosen, onChoose }: ChoiceProps) {
  const id = useId();
  return (
    <div class="choice whole">
      <input
        id={id}
        name={name}
        type="checkbox"
        checked={isChosen}
        onChange={event => onChoose(event.currentTarget.checked)}
      />
      <label for={id}>{label}</label>
    </div>
  );
}
