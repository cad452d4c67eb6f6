/** Chooses who may watch a video: four audiences, each with a picture and an explanation, and the groups of one of them. */
import { useId } from 'preact/hooks';
import type { Audience, AudienceOfVideo } from '../../protocol/people/audience.ts';
import { useTranslation } from '../i18n/use-translation.tsx';

/** Undefined: the names are not known, because central cannot be reached. */
export type GroupNames = readonly { readonly id: string; readonly name: string }[] | undefined;

const AUDIENCES = ['public', 'internal', 'groups', 'private'] as const;
/** Paths in a square of 24 units, drawn as lines. */
const PICTURES: Readonly<Record<Audience, string>> = {
  public: 'M12 3a9 9 0 1 0 0 18 9 9 0 1 0 0-18M3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18',
  internal: 'M4 21V9l8-5 8 5v12M2 21h20M9 21v-6h6v6',
  groups:
    'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M2.5 20c0-4 3-6 6.5-6s6.5 2 6.5 6M16 4.5a3.5 3.5 0 0 1 0 6.5M18 14.5c2.3.8 3.5 2.8 3.5 5.5',
  private: 'M10 14a4 4 0 0 0 6 0l4-4a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-4 4a4 4 0 0 0 6 6l1-1',
};

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
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d={PICTURES[offer.audience]} />
          </svg>
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
