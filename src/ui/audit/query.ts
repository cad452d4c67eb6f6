/** The filters of the audit log in the address of the page, and in calls. Pure. */

export interface Filter {
  readonly action: string;
  readonly person: string;
  readonly object: string;
  /** Days in the time zone of the browser: `2026-12-01`. */
  readonly from: string;
  readonly until: string;
}

const NAMES = ['action', 'person', 'object', 'from', 'until'] as const satisfies readonly (keyof Filter)[];

export const readFilter = (query: URLSearchParams): Filter => ({
  action: query.get('action') ?? '',
  person: query.get('person') ?? '',
  object: query.get('object') ?? '',
  from: query.get('from') ?? '',
  until: query.get('until') ?? '',
});

/** @param asTimes days become points in time, as the call needs them; the last day is included */
export function formatQuery(filter: Filter, asTimes = true): string {
  const query = new URLSearchParams();
  for (const name of NAMES) {
    const value = filter[name].trim();
    const isDay = name === 'from' || name === 'until';
    const text = isDay && asTimes ? formatDay(value, name === 'until' ? 1 : 0) : value;
    if (text) query.set(name, text);
  }
  return query.toString();
}

/** The start of a day in this time zone; empty for a text that is not a day. */
function formatDay(text: string, addDays: number): string {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? [];
  if (year === undefined) return '';
  return new Date(Number(year), Number(month) - 1, Number(day) + addDays).toISOString();
}
