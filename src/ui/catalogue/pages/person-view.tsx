/** The page of a person who appears in videos: all of them, the newest first. */
import { usePlace } from '../../browser/place.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { useCollection } from '../data/collection.tsx';
import { useResults } from '../data/use-results.ts';
import { Frame } from '../frame.tsx';
import { ResultList } from '../list/result-list.tsx';
import { LostView } from './lost-view.tsx';

const MAX_NAME_CHARACTERS = 200;
const MAX_ROLES = 4;

export function PersonView() {
  const name = new URLSearchParams(usePlace().search).get('name')?.trim().slice(0, MAX_NAME_CHARACTERS) ?? '';
  return name === '' ? <LostView /> : <Person name={name} />;
}

function Person({ name }: { readonly name: string }) {
  const { t, format } = useTranslation();
  const { addresses } = useCollection();
  const search = { person: name, order: 'newest' } as const;
  const results = useResults(search);
  const roles = new Set(
    results.items?.flatMap(({ people }) =>
      people.filter(one => one.name === name).flatMap(one => one.role ?? []),
    ),
  );
  return (
    <Frame title={name} isConnected={results.isConnected}>
      <section class="person-head">
        <span class="initial" aria-hidden="true">
          {[...name][0]?.toUpperCase()}
        </span>
        <div>
          <h1 tabIndex={-1} dir="auto">
            {name}
          </h1>
          <p class="quiet">
            {roles.size > 0 && <span dir="auto">{format.list([...roles].slice(0, MAX_ROLES))} · </span>}
            <a href={addresses.searchFor({ person: name })}>{t.search.inSearch}</a>
          </p>
        </div>
      </section>
      <ResultList
        results={results}
        search={search}
        layout="tile"
        empty={<p class="quiet">{t.search.noVideos}</p>}
      />
    </Frame>
  );
}
