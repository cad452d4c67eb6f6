/** Names the values of facets for a response. */
import type { Facets } from '../../protocol/catalogue/search.ts';
import type { CountedFacets } from './database/facets.ts';

export interface FacetNames {
  readonly sites: (ids: readonly string[]) => Promise<ReadonlyMap<string, string>>;
  readonly series: (ids: readonly string[]) => Promise<ReadonlyMap<string, string>>;
}

export async function formatFacets(
  { values, total, atLeast }: CountedFacets,
  names: FacetNames,
): Promise<Facets> {
  const ids = (counted: CountedFacets['values']['site']): string[] => counted.map(({ value }) => value);
  const [sites, series] = await Promise.all([
    names.sites(ids(values.site)),
    names.series(ids(values.series)),
  ]);
  const named = (counted: CountedFacets['values']['site'], known?: ReadonlyMap<string, string>) =>
    counted.map(({ value, count }) => ({ value, name: known?.get(value) ?? value, count }));
  return {
    site: named(values.site, sites),
    series: named(values.series, series),
    tag: named(values.tag),
    person: named(values.person),
    language: named(values.language),
    year: named(values.year).sort((a, b) => Number(b.value) - Number(a.value)),
    length: named(values.length).sort((a, b) => Number.parseInt(a.value, 10) - Number.parseInt(b.value, 10)),
    captions: named(values.captions),
    total,
    atLeast,
  };
}
