/** What was typed into the form of a new site → the call's body. Pure. */
import type { Coordinates } from '../../../protocol/central.ts';
import type { Texts } from '../../i18n/texts.ts';

export interface SiteFields {
  readonly name: string;
  readonly baseUrl: string;
  readonly latitude: string;
  readonly longitude: string;
  readonly zone: string;
}

export interface NewSite {
  readonly name: string;
  readonly baseUrl: string;
  readonly coordinates?: Coordinates;
  readonly zone: readonly string[];
}

/** Rough on purpose: the centre parses it for good. */
const PREFIX = /^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-f:]*:[0-9a-f:.]*)\/[0-9]{1,3}$/i;

/** @throws Error with a sentence in the page's language. */
export function parseZone(text: string, texts: Texts['admin']): readonly string[] {
  const zone = text.split(/[\s,，、;；]+/).filter(Boolean);
  const bad = zone.find(prefix => !PREFIX.test(prefix));
  if (bad !== undefined) throw new Error(texts.badPrefix(bad));
  return zone;
}

/** @throws Error with a sentence in the page's language. */
export function parseNewSite(fields: SiteFields, texts: Texts['admin']): NewSite {
  const zone = parseZone(fields.zone, texts);
  const given = [fields.latitude, fields.longitude].filter(text => text.trim() !== '').length;
  if (given === 1) throw new Error(texts.bothCoordinates);
  return {
    name: fields.name.trim(),
    baseUrl: fields.baseUrl.trim(),
    zone,
    ...(given === 2
      ? { coordinates: { latitude: Number(fields.latitude), longitude: Number(fields.longitude) } }
      : {}),
  };
}
