/** One entry of the audit log as a sentence, with its differences. */
import type { AuditEntry } from '../../protocol/people/audit.ts';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useSiteNames } from '../person/roles.tsx';
import { listDifferences } from './differences.ts';
import type { Filter } from './query.ts';

interface EntryProps {
  readonly entry: AuditEntry;
  readonly onFilter: (changed: Partial<Filter>) => void;
}

export function Entry({ entry, onFilter }: EntryProps) {
  const { t, format } = useTranslation();
  const names = useSiteNames();
  const { who, from, action, object, member, at, receivedAt, seq } = entry;
  const reporter = member && ([...names].find(([id]) => id === member)?.[1] ?? member);
  const differences = listDifferences(entry);
  return (
    <li class="entry" data-seq={seq} data-action={action}>
      <time dateTime={at} class="quiet">
        {format.dateTime(at)}
      </time>
      <div class="body">
        <p>
          <WhoName who={who} onFilter={onFilter} /> {t.audit.actions[action]}
          {object !== undefined && ' '}
          {object !== undefined && (
            <button type="button" class="link" onClick={() => onFilter({ object })}>
              <code>{object}</code>
            </button>
          )}
        </p>
        {differences.length > 0 && (
          <dl class="differences">
            {differences.map(({ name, before, after }) => (
              <div key={name} style="display: contents">
                <dt>{name || t.audit.value}</dt>
                <dd>
                  {before !== undefined && <del>{before}</del>}
                  {before !== undefined && after !== undefined && ' → '}
                  {after !== undefined && <ins>{after}</ins>}
                </dd>
              </div>
            ))}
          </dl>
        )}
        <p class="quiet">
          {[
            t.audit.number(seq),
            ...(from === undefined ? [] : [t.audit.from(from)]),
            ...(reporter === undefined ? [] : [t.audit.reportedBy(reporter)]),
            ...(receivedAt === undefined ? [] : [t.audit.received(format.dateTime(receivedAt))]),
          ].join(' · ')}
        </p>
      </div>
    </li>
  );
}

function WhoName({
  who,
  onFilter,
}: {
  readonly who: AuditEntry['who'];
  readonly onFilter: EntryProps['onFilter'];
}) {
  const { t } = useTranslation();
  const { id, kind } = who;
  const name = t.audit.who[kind](who.name ?? id ?? '');
  if (id === undefined || (kind !== 'person' && kind !== 'token')) return <strong>{name}</strong>;
  return (
    <button type="button" class="link" onClick={() => onFilter({ person: id })}>
      {name}
    </button>
  );
}
