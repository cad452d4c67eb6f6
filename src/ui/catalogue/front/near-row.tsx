/** Videos of the site that is nearest to the viewer, which a tracker knows. Without one, there is no such row. */
import type { NearestSite } from '../../../protocol/tracker.ts';
import { call } from '../../api/call.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { useCollection } from '../data/collection.tsx';
import { useLoad } from '../data/use-load.ts';
import { ItemCard } from '../list/item-card.tsx';
import { Strip } from './strip.tsx';

const ROW = 12;

export function NearRow() {
  const { t } = useTranslation();
  const collection = useCollection();
  const { addresses, trackers } = collection;
  const [tracker] = trackers;
  const { value } = useLoad(tracker === undefined ? undefined : `near ${collection.key}`, async abort => {
    const { site } = await call<NearestSite>(`${tracker}/nearest${clientQuery()}`, { abort });
    return site && { site, page: await collection.list({ site: site.id }, ROW, abort) };
  });
  if (!value || value.page.items.length === 0) return null;
  const { site, page } = value;
  return (
    <Strip heading={t.front.near(site.name)} all={addresses.site(site.id)} testId="near">
      {page.items.map(item => (
        <ItemCard key={item.id} item={item} level={3} />
      ))}
    </Strip>
  );
}

/** The demo lets a page be a viewer elsewhere. */
function clientQuery(): string {
  const client = new URLSearchParams(location.search).get('client');
  return client === null ? '' : `?${new URLSearchParams({ client })}`;
}
