/** What an edit does to each of many videos, or why it was refused. */
import type { VideoEditResult } from '../../../protocol/studio.ts';
import { ProblemText } from '../../components/notice.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import type { SeriesChoices } from '../use-series.ts';

interface ResultListProps {
  readonly results: readonly VideoEditResult[];
  readonly series: SeriesChoices;
}

export function ResultList({ results, series }: ResultListProps) {
  const texts = useTranslation().t.bulk;
  if (results.length === 0) return null;
  return (
    <ul class="bulk-results" data-testid="bulk-results">
      {results.map(result => (
        <li key={result.id} data-outcome={result.outcome}>
          <strong dir="auto">{result.name ?? result.id}</strong>
          {result.error ? (
            <span class="bad">
              <ProblemText code={result.error.code} detail={result.error.detail} />
            </span>
          ) : result.outcome === 'changed' ? (
            <Difference result={result} series={series} />
          ) : (
            <span class="quiet">{texts.outcomes[result.outcome]}</span>
          )}
        </li>
      ))}
    </ul>
  );
}

function Difference({
  result: { before = {}, after = {} },
  series,
}: { readonly result: VideoEditResult } & Pick<ResultListProps, 'series'>) {
  const { t, format } = useTranslation();
  const show = (name: string, value: unknown): string => {
    if (value === null || value === undefined) return t.details.none;
    if (Array.isArray(value)) return value.map(String).join(', ');
    if (name === 'series') {
      const { id } = value as { readonly id: string };
      return series.find(each => each.id === id)?.title ?? id;
    }
    if (name === 'audience') return t.audience.names[value as keyof typeof t.audience.names];
    if (name === 'downloads') return t.details.downloadsNames[value as keyof typeof t.details.downloadsNames];
    if (name === 'publishAt' || name === 'withdrawAt') return format.dateTime(String(value));
    return typeof value === 'string' ? value : JSON.stringify(value);
  };
  const names = Object.keys(after).filter(
    name => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  );
  return (
    <span>
      {names.map(name => (
        <span key={name} class="difference" dir="auto">
          <del>{show(name, before[name])}</del> → <ins>{show(name, after[name])}</ins>
        </span>
      ))}
    </span>
  );
}
