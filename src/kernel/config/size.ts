/** Sizes in settings and messages. There is one definition: "GB" is decimal (10^9), as on disks and pages; "GiB" is binary (2^30). */

const SIZE = /^(\d+(?:\.\d+)?)\s*([KkMGT]B|[KMGT]iB)$/;
const SIZE_BYTES: Readonly<Record<string, number>> = {
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** Parses a size into bytes: `"512 MB"` → 512000000, `"1 GiB"` → 1073741824. Returns undefined if the text is not a size. */
export function parseSize(text: string): number | undefined {
  const match = SIZE.exec(text);
  const unit = SIZE_BYTES[match?.[2] ?? ''];
  return unit === undefined ? undefined : Math.round(Number(match?.[1]) * unit);
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Formats a number of bytes in decimal units, as the pages do: `"10 GB"`, `"1.5 MB"`. */
export function formatSize(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1_000 ** power;
  return `${Number(value.toFixed(power === 0 ? 0 : 1))} ${UNITS[power]}`;
}
