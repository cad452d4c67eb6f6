/**
 * The sources of an answer as JSON, put together of pieces: what a site is stands in all its answers and is made once, what
 * its reasons say is made when it changes. Making objects of it all and then text of those takes longer than deciding.
 */
import type { SiteId } from '../protocol/ids.ts';
import { DASH_MANIFEST, MULTIVARIANT_PLAYLIST, mediaPath } from '../protocol/media.ts';
import { tokenPath } from '../protocol/rights.ts';
import type { Decision } from './answers.ts';
import { EXPLORING, reasonsOf } from './choice/reasons.ts';
import type { SiteTable } from './choice/sites.ts';
import { asciiJson, flat, type Worded } from './choice/worded.ts';
import type { Probes } from './probing/probes.ts';
import type { RegisteredSite, RegisteredVideo, Registry } from './registry.ts';

/** A JSON array of `Source`. */
export type SourceTexts = (video: RegisteredVideo, decision: Decision) => string;

/** What is said of a site in every answer, and what it was made of. */
interface SiteText {
  readonly site: RegisteredSite | undefined;
  readonly address: string;
  readonly head: string;
  /** As it stands within a JSON string. */
  readonly baseUrl: string;
}

export function createSourceTexts(
  registry: Pick<Registry, 'findSite'>,
  probes: { readonly of: Probes['of'] },
): SourceTexts {
  const tables = new WeakMap<SiteTable, SiteText[]>();

  function textOf(table: SiteTable, texts: SiteText[], index: number): SiteText {
    const { id, name } = table.facts[index] as SiteTable['facts'][number];
    const site = registry.findSite(id);
    const address = probes.of(id).address ?? '';
    const found = texts[index];
    if (found && found.site === site && found.address === address) return found;
    const made = makeSiteText(id, name, site, address);
    texts[index] = made;
    return made;
  }

  return (video, { world, question, picks, isExploring, access }) => {
    const { table } = world;
    const texts = tables.get(table) ?? [];
    tables.set(table, texts);
    // Ids and file names alone: nothing in it that JSON would escape.
    const path = flat(mediaPath(video.video, video.revision, ''));
    let text = '[';
    for (let at = 0; at < picks.length; at++) {
      const { index } = picks[at] as Decision['picks'][number];
      const { head, baseUrl } = textOf(table, texts, index);
      const reasons = reasonsOf(world, question, index);
      const said = at === 0 && isExploring ? [EXPLORING, ...reasons] : reasons;
      // In base64url: nothing in it either that JSON would escape.
      const token = access?.tokenFor(world.table.facts[index]?.id as SiteId);
      const media = token === undefined ? baseUrl : baseUrl + tokenPath(token);
      text +=
        (at === 0 ? '' : ',') +
        head +
        `${media}${path}${MULTIVARIANT_PLAYLIST}","dash":"${media}${path}${DASH_MANIFEST}",` +
        (token === undefined ? '"reason":' : `"token":"${token}","reason":`) +
        formatReasons(said) +
        scoreText(at, picks.length);
    }
    return `${text}]`;
  };
}

function makeSiteText(id: SiteId, name: string, site: RegisteredSite | undefined, address: string): SiteText {
  const baseUrl = asciiJson(site?.baseUrl ?? '');
  const head = flat(
    `{"site":"${id}","name":${asciiJson(name)},"address":${asciiJson(address)},"baseUrl":${baseUrl},"hls":"`,
  );
  return { site, address, head, baseUrl: flat(baseUrl).slice(1, -1) };
}

/** The decisive one, then all of them. */
function formatReasons(reasons: readonly Worded[]): string {
  let text = `${reasons[0]?.textJson ?? '""'},"reasons":[`;
  for (let at = 0; at < reasons.length; at++) text += (at === 0 ? '' : ',') + (reasons[at] as Worded).json;
  return text;
}

/** For display, by place; there are few. */
const scores = new Map<number, string>();
function scoreText(at: number, count: number): string {
  const key = count * 1_000 + at;
  const text = scores.get(key) ?? flat(`],"score":${(count - at) / count}}`);
  scores.set(key, text);
  return text;
}
