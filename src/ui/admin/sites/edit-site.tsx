/** The form for the settings of a site that central owns: name, addresses, place, weight, limits, coverage zone. */
import { useId, useState } from 'preact/hooks';
import type { Site } from '../../../protocol/central.ts';
import { call } from '../../api/call.ts';
import { Dialog } from '../../components/dialog.tsx';
import { Field, type FieldSpec, labelsOf } from '../../components/field.tsx';
import { ErrorText } from '../../components/notice.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { useMe } from '../../me/use-me.tsx';
import { type EditFields, formatSiteEdit, parseSiteEdit } from './site-edit.ts';

type TextField = Exclude<keyof EditFields, 'zone' | 'drained' | 'databaseUrl' | 'useGateway'>;

interface EditSiteProps {
  readonly site: Site;
  readonly token: string | undefined;
  readonly onSaved: (site: Site) => void;
  readonly onClose: () => void;
}

export function EditSite({ site, token, onSaved, onClose }: EditSiteProps) {
  const { t } = useTranslation();
  const { isAllowed } = useMe();
  // Those who manage only this site do not choose to which addresses central connects.
  const choosesAddresses = isAllowed('manage-site', {});
  const { edit } = t.admin;
  // The typed values stay while the table behind the form reloads every two seconds.
  const [fields, setFields] = useState(() => formatSiteEdit(site));
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
  const { name, baseUrl, latitude, longitude } = t.admin;
  const texts: readonly FieldSpec<TextField>[] = [
    { key: 'name', label: name, hint: edit.nameHint, required: true },
    { key: 'baseUrl', label: baseUrl, hint: edit.baseUrlHint, required: true, kind: 'url' },
    { key: 'latitude', label: latitude, kind: 'number' },
    { key: 'longitude', label: longitude, kind: 'number' },
    { key: 'weight', label: edit.weight, hint: edit.weightHint, required: true, kind: 'number' },
    { key: 'failoverOrder', label: edit.order, hint: edit.orderHint, required: true, kind: 'number' },
    { key: 'egressLimit', label: edit.limit, hint: edit.limitHint, kind: 'number' },
  ];
  const labels = {
    ...labelsOf(texts),
    egressLimitBps: edit.limit,
    zone: t.admin.zone,
    drained: edit.drained,
    databaseUrl: edit.database,
  };
  return (
    <Dialog title={edit.title(site.name)} onClose={onClose} wide testId="edit-site">
      <form
        class="form"
        onSubmit={event => {
          event.preventDefault();
          void save();
        }}
      >
        {texts
          .filter(({ key }) => choosesAddresses || key !== 'baseUrl')
          .map(spec => (
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
        <Checkbox
          label={edit.drained}
          name="drained"
          isChosen={fields.drained}
          onChoose={drained => set({ drained })}
        />
        {choosesAddresses && <DatabaseFields site={site} fields={fields} onChange={set} />}
        <ErrorText error={error} isWide labels={labels} />
        <div class="actions full-width">
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

interface DatabaseFieldsProps {
  readonly site: Site;
  readonly fields: EditFields;
  readonly onChange: (change: Partial<EditFields>) => void;
}

function DatabaseFields({ site, fields, onChange }: DatabaseFieldsProps) {
  const { edit } = useTranslation().t.admin;
  const isReadBySql = site.readBy === 'sql';
  return (
    <>
      <Field
        spec={{
          key: 'databaseUrl',
          label: edit.database,
          hint: isReadBySql ? edit.databaseKept : edit.databaseHint,
          kind: 'secret',
          placeholder: 'postgres://user:password@host:5432/name',
        }}
        value={fields.databaseUrl}
        onInput={databaseUrl => onChange({ databaseUrl })}
      />
      {isReadBySql && (
        <Checkbox
          label={edit.useGateway}
          name="throughGateway"
          isChosen={fields.useGateway}
          onChoose={throughGateway => onChange({ useGateway: throughGateway })}
        />
      )}
    </>
  );
}

interface CheckboxProps {
  readonly label: string;
  readonly name: string;
  readonly isChosen: boolean;
  readonly onChoose: (isChosen: boolean) => void;
}

function Checkbox({ label, name, isChosen, onChoose }: CheckboxProps) {
  const id = useId();
  return (
    <div class="checkbox-field full-width">
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
