/** The settings of a site ⇄ the fields of its form. Pure. */
import type { Coordinates, Site, SitePolicyEdit } from '../../../protocol/central.ts';
import type { Texts } from '../../i18n/texts.ts';
import { parseCoordinates, parseZone } from './new-site.ts';

export interface EditFields {
  readonly name: string;
  readonly baseUrl: string;
  /** Both empty: no coordinates. */
  readonly latitude: string;
  readonly longitude: string;
  readonly weight: string;
  readonly failoverOrder: string;
  /** Mbit/s; empty: no limit. */
  readonly egressLimit: string;
  readonly zone: string;
  readonly drained: boolean;
  /** Empty keeps the current address, which central never sends. */
  readonly databaseUrl: string;
  /** Central reads the site's database through its gateway again. */
  readonly useGateway: boolean;
}

/** `PATCH /api/sites/{id}` */
interface SiteEdit {
  readonly name: string;
  readonly baseUrl: string;
  readonly coordinates: Coordinates | null;
  readonly policy: SitePolicyEdit;
  readonly zone: readonly string[];
  readonly databaseUrl?: string | null;
}

const BPS_PER_MBPS = 1_000_000;

export const formatSiteEdit = ({ name, baseUrl, coordinates, policy, zone }: Site): EditFields => ({
  name,
  baseUrl,
  latitude: coordinates ? String(coordinates.latitude) : '',
  longitude: coordinates ? String(coordinates.longitude) : '',
  weight: String(policy.weight ?? 1),
  failoverOrder: String(policy.failoverOrder ?? 0),
  egressLimit: policy.egressLimitBps === undefined ? '' : String(policy.egressLimitBps / BPS_PER_MBPS),
  zone: zone.join('\n'),
  drained: policy.drained ?? false,
  databaseUrl: '',
  useGateway: false,
});

/** @throws Error with a sentence in the language of the page */
export function parseSiteEdit(fields: EditFields, texts: Texts['admin']): SiteEdit {
  const zone = parseZone(fields.zone, texts);
  const weight = Number(fields.weight);
  if (fields.weight.trim() === '' || !(weight >= 0 && weight <= 100)) throw new Error(texts.edit.badWeight);
  const failoverOrder = Number(fields.failoverOrder.trim() === '' ? Number.NaN : fields.failoverOrder);
  if (!Number.isInteger(failoverOrder) || Math.abs(failoverOrder) > 1_000)
    throw new Error(texts.edit.badOrder);
  const hasLimit = fields.egressLimit.trim() !== '';
  const egressLimitBps = Math.round(Number(fields.egressLimit) * BPS_PER_MBPS);
  if (hasLimit && !(egressLimitBps >= 1)) throw new Error(texts.edit.badLimit);
  const databaseUrl = fields.databaseUrl.trim();
  if (databaseUrl !== '' && !/^postgres(ql)?:\/\/./.test(databaseUrl))
    throw new Error(texts.edit.badDatabase);
  return {
    name: fields.name.trim(),
    baseUrl: fields.baseUrl.trim(),
    coordinates: parseCoordinates(fields, texts) ?? null,
    policy: {
      weight,
      failoverOrder,
      egressLimitBps: hasLimit ? egressLimitBps : null,
      drained: fields.drained,
    },
    zone,
    ...(fields.useGateway ? { databaseUrl: null } : databaseUrl === '' ? {} : { databaseUrl }),
  };
}
