/** Says who may watch a video that is not public. */
import type { Audience } from '../../../protocol/people/audience.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { AudiencePicture } from './audience-picture.tsx';
import type { GroupNames } from './use-group-names.ts';

interface AudienceBadgeProps {
  readonly audience: Audience;
  /** The ids of the groups that may watch. */
  readonly groups?: readonly string[] | undefined;
  /** The names of all groups, as far as this person may know them. */
  readonly names?: GroupNames;
}

export function AudienceBadge({ audience, groups = [], names }: AudienceBadgeProps) {
  const { t, format } = useTranslation();
  if (audience === 'public') return null;
  const known = groups.flatMap(id => names?.find(group => group.id === id)?.name ?? []);
  const text = known.length > 0 ? t.catalogue.groups(format.list(known)) : t.catalogue.audiences[audience];
  return (
    <span
      class="audience-badge"
      data-testid="audience-badge"
      data-audience={audience}
      title={t.audience.hints[audience]}
    >
      <AudiencePicture audience={audience} />
      <span dir="auto">{text}</span>
    </span>
  );
}
