/** Formats numbers, sizes, times and durations for each language (Intl). Pure except for the browser's time zone. */
import type { Language } from './language.ts';

const LOCALES: Readonly<Record<Language, string>> = { en: 'en-GB', zh: 'zh-CN' };
const SIZE_UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;
const RATE_UNITS = ['bit', 'kilobit', 'megabit', 'gigabit'] as const;

const DAY_MS = 86_400_000;
const SECOND = { unit: 'second', seconds: 1, fromSeconds: 0 } as const;
/** Each unit applies from `fromSeconds` on, so that 75 minutes are not rounded to 1 h. */
const DURATION_UNITS = [
  { unit: 'day', seconds: 86_400, fromSeconds: 2 * 86_400 - 1_800 },
  { unit: 'hour', seconds: 3_600, fromSeconds: 5_400 - 30 },
  { unit: 'minute', seconds: 60, fromSeconds: 60 },
  SECOND,
] as const;
type DurationUnit = (typeof DURATION_UNITS)[number]['unit'];
/** Intl writes "20 secs" and "6 mins" in English, and nobody else does. */
const DURATION_SYMBOLS: Readonly<Record<Language, Readonly<Record<DurationUnit, string>>>> = {
  en: { second: 's', minute: 'min', hour: 'h', day: 'd' },
  zh: { second: '秒', minute: '分钟', hour: '小时', day: '天' },
};

export interface Format {
  number(value: number): string;
  percent(fraction: number): string;
  /** Decimal units: 1 MB is a million bytes. */
  size(bytes: number): string;
  bitrate(bitsPerSecond: number): string;
  /** An amount of time, rounded to its largest unit: `20 s`, `6 min`, `2 h`. The length of a video is a `formatClock`. */
  duration(ms: number): string;
  date(timestamp: string): string;
  dateTime(timestamp: string): string;
  time(epochMs: number): string;
  /** Only the time if it is less than a day ago, otherwise the date as well. */
  timeOrDate(timestamp: string, nowMs: number): string;
  /** `3 minutes ago` */
  ago(timestamp: string, nowMs: number): string;
  list(items: readonly string[]): string;
  /** Chinese has no space between sentences. */
  sentences(sentences: readonly string[]): string;
}

/** `4:05`, `1:02:03`: the length of a video and a position in it. */
export function formatClock(ms: number): string {
  const total = Math.max(0, Math.round(ms / 1000));
  const parts = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  const [hours = 0, minutes = 0, seconds = 0] = parts;
  const tail = String(seconds).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${tail}` : `${minutes}:${tail}`;
}

function scale(value: number, units: number): { readonly value: number; readonly unit: number } {
  let unit = 0;
  let scaled = value;
  // 999.5 would be rounded to 1,000 of the smaller unit.
  while (scaled >= 999.5 && unit < units - 1) {
    scaled /= 1000;
    unit++;
  }
  return { value: scaled, unit };
}

export function createFormat(language: Language): Format {
  const locale = LOCALES[language];
  const unit = (value: number, name: string, digits = 0): string =>
    new Intl.NumberFormat(locale, {
      style: 'unit',
      unit: name,
      unitDisplay: 'short',
      maximumFractionDigits: digits,
    }).format(value);
  const measured = (value: number, units: readonly string[], suffix: string): string => {
    const scaled = scale(value, units.length);
    return unit(
      scaled.value,
      `${units[scaled.unit]}${suffix}`,
      scaled.unit > 0 && scaled.value < 100 ? 1 : 0,
    );
  };
  const moment = (options: Intl.DateTimeFormatOptions, time: string | number): string =>
    new Intl.DateTimeFormat(locale, { hourCycle: 'h23', ...options }).format(new Date(time));

  return {
    number: value => new Intl.NumberFormat(locale).format(value),
    percent: fraction =>
      new Intl.NumberFormat(locale, {
        style: 'percent',
        maximumFractionDigits: fraction < 0.1 ? 1 : 0,
      }).format(fraction),
    // Intl writes "512 byte".
    size: bytes =>
      bytes < 999.5
        ? `${new Intl.NumberFormat(locale, { maximumFractionDigits: 0 }).format(bytes)}\u00a0B`
        : measured(bytes, SIZE_UNITS, ''),
    bitrate: bitsPerSecond => measured(bitsPerSecond, RATE_UNITS, '-per-second'),
    duration(ms) {
      const seconds = Math.max(0, Math.round(ms / 1000));
      const { unit: name, seconds: size } =
        DURATION_UNITS.find(each => seconds >= each.fromSeconds) ?? SECOND;
      const value = new Intl.NumberFormat(locale).format(Math.round(seconds / size));
      return `${value}\u00a0${DURATION_SYMBOLS[language][name]}`;
    },
    date: timestamp => moment({ dateStyle: 'medium' }, timestamp),
    dateTime: timestamp => moment({ dateStyle: 'medium', timeStyle: 'medium' }, timestamp),
    time: epochMs => moment({ timeStyle: 'medium' }, epochMs),
    timeOrDate: (timestamp, nowMs) =>
      moment(
        nowMs - Date.parse(timestamp) < DAY_MS
          ? { timeStyle: 'medium' }
          : { dateStyle: 'medium', timeStyle: 'medium' },
        timestamp,
      ),
    ago(timestamp, nowMs) {
      const seconds = Math.round((Date.parse(timestamp) - nowMs) / 1000);
      const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
      const size = Math.abs(seconds);
      if (size < 60) return relative.format(seconds, 'second');
      if (size < 3600) return relative.format(Math.trunc(seconds / 60), 'minute');
      if (size < 86_400) return relative.format(Math.trunc(seconds / 3600), 'hour');
      const days = Math.trunc(seconds / 86_400);
      if (Math.abs(days) < 14) return relative.format(days, 'day');
      if (Math.abs(days) < 60) return relative.format(Math.trunc(days / 7), 'week');
      if (Math.abs(days) < 730) return relative.format(Math.trunc(days / 30.44), 'month');
      return relative.format(Math.trunc(days / 365.25), 'year');
    },
    sentences: sentences => sentences.join(language === 'zh' ? '' : ' '),
    list: items => new Intl.ListFormat(locale, { type: 'conjunction', style: 'short' }).format(items),
  };
}
