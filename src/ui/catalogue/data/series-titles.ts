/** The titles of series, which records name by their ids only. One call reads them for all cards of a page. */
import { useCollection } from './collection.tsx';
import { useLoad } from './use-load.ts';

const MAX_SERIES = 200;

/** @returns undefined without a series, and while its title is not known */
export function useSeriesTitle(id: string | undefined): string | undefined {
  const collection = useCollection();
  const key = `series-titles ${collection.part} ${collection.key}`;
  const { value } = useLoad(
    id === undefined ? undefined : key,
    abort => readTitles(key, () => collection.listSeries(MAX_SERIES, abort)),
    { former: 'reuse' },
  );
  return id === undefined ? undefined : value?.get(id);
}

type Titles = ReadonlyMap<string, string>;
let reading: { readonly key: string; readonly titles: Promise<Titles> } | undefined;

function readTitles(
  key: string,
  list: () => Promise<readonly { readonly id: string; readonly title: string }[]>,
): Promise<Titles> {
  if (reading?.key === key) return reading.titles;
  const titles = list().then(series => new Map(series.map(({ id, title }) => [id, title])));
  const started = { key, titles };
  reading = started;
  const forget = (): void => {
    if (reading === started) reading = undefined;
  };
  titles.then(forget, forget);
  return titles;
}
