/** Chooses who may watch a video: four audiences, each with a picture and an explanation, and the groups of one of them. */
import { useId } from 'preact/hooks';
import type { AudienceOfVideo } from '../../protocol/people/audience.ts';
import { AudiencePicture } from '../components/audience/audience-picture.tsx';
import type { GroupNames } from '../components/audience/use-group-names.ts';
import { useTranslation } from '../i18n/use-translation.tsx';

const AUDIENCES = ['public', 'internal', 'groups', 'private'] as const;
interface AudienceChoiceProps {
  readonly value: AudienceOfVideo;
  readonly groups: GroupNames;
  readonly onChoose: (value: AudienceOfVideo) => void;
  /** False: the person may not make the video visible to these people. */
  readonly isOffered: (value: AudienceOfVideo) => boolean;
}

export function AudienceChoice({ value, groups, onChoose, isOffered }: AudienceChoiceProps) {
  const { t } = useTranslation();
  const id = useId();
  const offers = AUDIENCES.map(audience => ({
    audience,
    isOffered: audience === value.audience || isOffered({ audience, groups: value.groups }),
  }));
  return (
    <fieldset class="audiences" data-testid="audience">
      <legend>{t.audience.label}</legend>
      {offers.map(offer => (
        <label key={offer.audience} class="audience">
          <input
            type="radio"
            name={`${id}-audience`}
            value={offer.audience}
            checked={value.audience === offer.audience}
            disabled={!offer.isOffered}
            aria-describedby={`${id}-${offer.audience}`}
            onChange={() => onChoose({ ...value, audience: offer.audience })}
          />
          <AudiencePicture audience={offer.audience} />
          <span>
            <strong>{t.audience.names[offer.audience]}</strong>
            <small id={`${id}-${offer.audience}`} class="quiet">
              {t.audience.hints[offer.audience]}
            </small>
          </span>
        </label>
      ))}
      {offers.some(offer => !offer.isOffered) && <p class="quiet">{t.audience.widerNeedsPublish}</p>}
      {value.audience === 'groups' && <GroupChoice value={value} groups={groups} onChoose={onChoose} />}
    </fieldset>
  );
}

function GroupChoice({ value, groups, onChoose }: Omit<AudienceChoiceProps, 'isOffered'>) {
  const { t } = useTranslation();
  const known = groups ?? value.groups.map(id => ({ id, name: id }));
  return (
    <fieldset class="group-choice" data-testid="groups">
      <legend>{t.audience.groups}</legend>
      {groups === undefined && <p class="warn">{t.audience.groupsUnavailable}</p>}
      {groups?.length === 0 && <p class="quiet">{t.audience.noGroups}</p>}
      {known.map(({ id, name }) => (
        <label key={id}>
          <input
            type="checkbox"
            checked={value.groups.includes(id)}
            onChange={event =>
              onChoose({
                ...value,
                groups: event.currentTarget.checked
                  ? [...value.groups, id]
                  : value.groups.filter(other => other !== id),
              })
            }
          />
          <span dir="auto">{name}</span>
        </label>
      ))}
      {value.groups.length === 0 && known.length > 0 && <p class="warn">{t.audience.chooseGroup}</p>}
    </fieldset>
  );
}

/** True unless groups are still to be chosen. */
export const isComplete = ({ audience, groups }: AudienceOfVideo): boolean =>
  audience !== 'groups' || groups.length > 0;

/** The fields of a call. */
export const toFields = ({ audience, groups }: AudienceOfVideo) =>
  audience === 'groups' ? { audience, groups: [...groups] } : { audience };
