/** A time of WebVTT: `HH:MM:SS.mmm` (W3C WebVTT, section 3.1). */
export function formatWebVttTime(ms: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const fraction = String(Math.floor(ms) % 1_000).padStart(3, '0');
  return `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1_000) % 60)}.${fraction}`;
}
