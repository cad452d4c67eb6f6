/**
 * A pathway is a site under a name that a player knows it by. The first name is the site's id. hls.js keeps away for five minutes
 * from a name under which a request failed, however well the site is again; then the site is offered under another one, as a
 * clone of the first (RFC 8216bis, section 7.2). The names travel in the reload URI, so that any tracker knows them. Pure.
 */
import { type SiteId, siteIdSchema } from '../../protocol/ids.ts';
import type { PathwayClone } from '../../protocol/tracker.ts';

export interface Pathway {
  readonly site: SiteId;
  /** `{site}`, and then `{site}_1`, `{site}_2` … */
  readonly id: string;
}

const NAME = /^([^_]{1,64})(?:_([1-9][0-9]{0,2}))?$/;
const MOST_NAMES = 999;
/** A player that has just been told may not have had a reason to ask for anything yet. */
const REFUSALS_TO_RENAME = 2;

export function parsePathway(text: string): Pathway | undefined {
  const [, id = ''] = NAME.exec(text) ?? [];
  const site = siteIdSchema.safeParse(id).data;
  return site && { site, id: text };
}

export const pathwayOf = (site: SiteId): Pathway => ({ site, id: site });

function rename({ site, id }: Pathway): Pathway {
  const [, , number = '0'] = NAME.exec(id) ?? [];
  return { site, id: `${site}_${Math.min(MOST_NAMES, Number(number) + 1)}` };
}

/** What a player was told last, and how often it went elsewhere in spite of it. */
export interface Obedience {
  told: SiteId | undefined;
  refusals: number;
}

/** Gives the site that a player refuses to go to another name. Notes what was refused in `obedience`. */
export function renameRefused(
  pathways: readonly Pathway[],
  current: SiteId | undefined,
  obedience: Obedience,
): readonly Pathway[] {
  const { told } = obedience;
  const isRefused = told !== undefined && current !== undefined && current !== told;
  obedience.refusals = isRefused ? obedience.refusals + 1 : 0;
  if (obedience.refusals < REFUSALS_TO_RENAME) return pathways;
  obedience.refusals = 0;
  return pathways.map(pathway => (pathway.site === told ? rename(pathway) : pathway));
}

/** In this order of sites, each under its present name and then under its first: not every player knows clones. */
export function namesInOrder(order: readonly string[], pathways: readonly Pathway[]): readonly string[] {
  const names = new Map<string, string>(pathways.map(({ site, id }) => [site, id]));
  return order.flatMap(site => [...new Set([names.get(site) ?? site, site])]);
}

/** The host is the site's own: some players take a replacement without one for a replacement by nothing. */
export const clonesOf = (
  pathways: readonly Pathway[],
  baseUrlOf: (site: SiteId) => string | undefined,
): readonly PathwayClone[] =>
  pathways.flatMap(({ site, id }) => {
    const baseUrl = id === site ? undefined : baseUrlOf(site);
    if (baseUrl === undefined) return [];
    return [{ 'BASE-ID': site, ID: id, 'URI-REPLACEMENT': { HOST: new URL(baseUrl).hostname } }];
  });
