/** The fields of the form for a new site → the body of `POST /api/sites`. Pure. */
import type { Coordinates } from '../../../protocol/central.ts';
import { splitList } from '../../i18n/split-list.ts';
import type { Texts } from '../../i18n/texts.ts';

export interface SiteFields {
  readonly name: string;
  readonly baseUrl: string;
  readonly latitude: string;
  readonly longitude: string;
  readonly zone: string;
}

interface NewSite {
  readonly name: string;
  readonly baseUrl: string;
  readonly coordinates?: Coordinates;
  readonly zone: readonly string[];
}

/** A rough check. Central parses the prefix. */
const PREFIX = /^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-f:]*:[0-9a-f:.]*)\/[0-9]{1,3}$/i;

/** @throws Error with a sentence in the language of the page */
export function parseZone(text: string, texts: Texts['admin']): readonly string[] {
  const zone = splitList(text);
  const bad = zone.find(prefix => !PREFIX.test(prefix));
  if (bad !== undefined) throw new Error(texts.badPrefix(bad));
  return zone;
}

/** Undefined if both fields are empty. @throws Error with a sentence in the language of the page */
export function parseCoordinates(
  { latitude, longitude }: Pick<SiteFields, 'latitude' | 'longitude'>,
  texts: Texts['admin'],
): Coordinates | undefined {
  const given = [latitude, longitude].filter(text => text.trim() !== '').length;
  if (given === 1) throw new Error(texts.bothCoordinates);
  return given === 2 ? { latitude: Number(latitude), longitude: Number(longitude) } : undefined;
}

/** @throws Error with a sentence in the language of the page */
export function parseNewSite(fields: SiteFields, texts: Texts['admin']): NewSite {
  const zone = parseZone(fields.zone, texts);
  const coordinates = parseCoordinates(fields, texts);
  return {
    name: fields.name.trim(),
    baseUrl: fields.baseUrl.trim(),
    zone,
    ...(coordinates ? { coordinates } : {}),
  };
}
