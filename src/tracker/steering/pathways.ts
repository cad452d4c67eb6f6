/**
 * A pathway is a site under a name for players. Its first name is the site's id. hls.js avoids a pathway for five
 * minutes after a failed request, even if the site has recovered, so the site is then offered under another name, as a
 * clone of the first (RFC 8216bis, section 7.2). The names are part of the reload URI, so that any tracker knows them.
 * Pure.
 */
import { type SiteId, siteIdSchema } from '../../protocol/base/ids.ts';
import type { PathwayClone } from '../../protocol/tracker.ts';

export interface Pathway {
  readonly site: SiteId;
  /** `{site}`, then `{site}_1`, `{site}_2` … */
  readonly id: string;
}

const NAME = /^([^_]{1,64})(?:_([1-9][0-9]{0,2}))?$/;
const MAX_CLONES = 999;
/** A player may not have made a request since it received the last manifest. */
const REFUSALS_TO_CLONE = 2;

export function parsePathway(text: string): Pathway | undefined {
  const [, id = ''] = NAME.exec(text) ?? [];
  const site = siteIdSchema.safeParse(id).data;
  return site && { site, id: text };
}

export const pathwayOf = (site: SiteId): Pathway => ({ site, id: site });

function nextClone({ site, id }: Pathway): Pathway {
  const [, , number = '0'] = NAME.exec(id) ?? [];
  return { site, id: `${site}_${Math.min(MAX_CLONES, Number(number) + 1)}` };
}

/** The site that the last manifest ranked first, and how often the player did not use it. */
export interface Compliance {
  preferred: SiteId | undefined;
  refusals: number;
}

/** Offers a site that the player avoids under a new name. Updates `compliance`. */
export function cloneRefusedPathways(
  pathways: readonly Pathway[],
  current: SiteId | undefined,
  compliance: Compliance,
): readonly Pathway[] {
  const { preferred } = compliance;
  const isRefused = preferred !== undefined && current !== undefined && current !== preferred;
  compliance.refusals = isRefused ? compliance.refusals + 1 : 0;
  if (compliance.refusals < REFUSALS_TO_CLONE) return pathways;
  compliance.refusals = 0;
  return pathways.map(pathway => (pathway.site === preferred ? nextClone(pathway) : pathway));
}

/**
 * The pathway ids in this order of sites: each site's current name, then its first name, because not every player
 * supports clones.
 */
export function pathwayIdsInOrder(order: readonly string[], pathways: readonly Pathway[]): readonly string[] {
  const names = new Map<string, string>(pathways.map(({ site, id }) => [site, id]));
  return order.flatMap(site => [...new Set([names.get(site) ?? site, site])]);
}

/** The replacement host is the site's own host: some players treat a missing host as an empty one. */
export const clonesOf = (
  pathways: readonly Pathway[],
  baseUrlOf: (site: SiteId) => string | undefined,
): readonly PathwayClone[] =>
  pathways.flatMap(({ site, id }) => {
    const baseUrl = id === site ? undefined : baseUrlOf(site);
    if (baseUrl === undefined) return [];
    return [{ 'BASE-ID': site, ID: id, 'URI-REPLACEMENT': { HOST: new URL(baseUrl).hostname } }];
  });
