/** Public or private. */
import { useId } from 'preact/hooks';
import type { Visibility } from '../../protocol/publication/record.ts';
import { useTranslation } from '../i18n/use-translation.tsx';

interface VisibilitySelectProps {
  readonly value: Visibility;
  readonly onChoose: (visibility: Visibility) => void;
  readonly isInline?: boolean;
}

export function VisibilitySelect({ value, onChoose, isInline }: VisibilitySelectProps) {
  const { t } = useTranslation();
  const id = useId();
  return (
    <div class={isInline ? 'field inline' : 'field'}>
      <label for={id}>{t.studio.visibility}</label>
      <select
        id={id}
        name="visibility"
        value={value}
        onChange={event => onChoose(event.currentTarget.value as Visibility)}
      >
        <option value="public">{t.studio.visibilities.public}</option>
        <option value="private">{t.studio.visibilities.private}</option>
      </select>
    </div>
  );
}
