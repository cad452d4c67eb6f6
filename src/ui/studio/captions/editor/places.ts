/** The places that the menu of a cue offers, as settings of WebVTT. Pure. */

export const PLACES = [
  ...['bottom', 'bottom-left', 'bottom-right', 'middle'],
  ...['top', 'top-left', 'top-right'],
] as const;

const SETTINGS: Readonly<Record<string, string>> = {
  bottom: '',
  'bottom-left': 'align:left',
  'bottom-right': 'align:right',
  middle: 'line:50%,center',
  top: 'line:0',
  'top-left': 'line:0 align:left',
  'top-right': 'line:0 align:right',
};

export const settingsOfPlace = (place: string): string => SETTINGS[place] ?? '';
/** @returns `custom` for settings of a file that the menu does not offer */
export const placeOf = (settings: string): string =>
  PLACES.find(place => SETTINGS[place] === settings) ?? 'custom';
