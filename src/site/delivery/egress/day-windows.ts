/** Times of day by the site's local clock, as settings give them. Pure. */

export interface DayWindow {
  /** Minutes after midnight. A window whose end is not after its start passes midnight. */
  readonly fromMinute: number;
  readonly toMinute: number;
}

/** Parses `"01:00-06:30"`. Undefined if the text is not a window. */
export function parseDayWindow(text: string): DayWindow | undefined {
  const match = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)$/.exec(text);
  if (!match) return undefined;
  const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = match.slice(1).map(Number);
  if (toHour === 24 && toMinute > 0) return undefined;
  return { fromMinute: fromHour * 60 + fromMinute, toMinute: toHour * 60 + toMinute };
}

/** True if one of the windows contains this time, or if there are no windows. */
export function isWithin(windows: readonly DayWindow[], at: Date): boolean {
  if (windows.length === 0) return true;
  const minute = at.getHours() * 60 + at.getMinutes();
  return windows.some(({ fromMinute, toMinute }) =>
    fromMinute < toMinute
      ? minute >= fromMinute && minute < toMinute
      : minute >= fromMinute || minute < toMinute,
  );
}
