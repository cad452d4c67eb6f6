/** Sizes, durations, rates and times as people read them, in the page's language. */
import { language } from './i18n.ts';

const LOCALE = language === 'zh' ? 'zh-CN' : 'en-GB';
const SIZE_UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

/** Decimal units: 1 MB is a million bytes. */
export function formatSize(bytes: number): string {
  const step = bytes < 1_000 ? 0 : Math.min(4, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1_000 ** step;
  return new Intl.NumberFormat(LOCALE, {
    style: 'unit',
    unit: SIZE_UNITS[step] ?? 'byte',
    unitDisplay: step === 0 ? 'long' : 'short',
    maximumFractionDigits: value < 10 && step > 0 ? 1 : 0,
  }).format(value);
}

/** `1:05`, `1:02:03` */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  const parts = [Math.floor(seconds / 60) % 60, seconds % 60].map(part => String(part).padStart(2, '0'));
  const hours = Math.floor(seconds / 3_600);
  return hours > 0 ? `${hours}:${parts.join(':')}` : parts.join(':').replace(/^0/, '');
}

export const formatBitrate = (bps: number): string =>
  bps >= 1_000_000 ? `${(bps / 1_000_000).toFixed(1)} Mbit/s` : `${Math.round(bps / 1_000)} kbit/s`;

/** Date and time; a dash where there is none. */
export const formatTime = (timestamp: string | undefined): string =>
  timestamp
    ? new Intl.DateTimeFormat(LOCALE, { dateStyle: 'medium', timeStyle: 'medium' }).format(
        new Date(timestamp),
      )
    : '–';

export const formatClock = (time: Date): string =>
  new Intl.DateTimeFormat(LOCALE, { timeStyle: 'medium' }).format(time);

export const formatLag = (ms: number): string => {
  if (ms === 0) return '0';
  if (ms < 1_000) return `${ms} ms`;
  return ms < 120_000 ? `${Math.round(ms / 1_000)} s` : `${Math.round(ms / 60_000)} min`;
};
