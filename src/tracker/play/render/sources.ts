/**
 * The sources of an answer as JSON, put together of pieces: what a site is stands in all its answers and is made once, what
 * its reasons say is made when it changes. Making objects of it all and then text of those takes longer than deciding.
 */
import type { SiteId } from '../../../protocol/ids.ts';
import { DASH_MANIFEST, MULTIVARIANT_PLAYLIST, mediaPath } from '../../../protocol/media/media.ts';
import { tokenPath } from '../../../protocol/media/media-address.ts';
import { EXPLORING, reasonsOf } from '../../choice/reasons.ts';
import { asciiJson, flat } from '../../choice/rendered-reason.ts';
import type { SiteStates, SiteTable } from '../../choice/sites.ts';
import type { Probes } from '../../probing/probes.ts';
import type { RegisteredSite, RegisteredVideo, Registry } from '../../registry/registry.ts';
import type { Decision } from '../decide.ts';

/** A JSON array of `Source`. */
export type SourceTexts = (video: RegisteredVideo, decision: Decision) => string;

/** What is said of a site in every answer, and what it was made of. */
interface SiteText {
  /** As `SiteStates.heard` had it. */
  readonly heard: number;
  readonly head: string;
  /** As it stands within a JSON string. */
  readonly baseUrl: string;
}

export function createSourceTexts(
  registry: Pick<Registry, 'findSite'>,
  probes: { readonly of: Probes['of'] },
): SourceTexts {
  /** A change of what is registered of sites makes other states; one of what probes tell is heard by them. */
  const kept = new WeakMap<SiteStates, SiteText[]>();

  function textOf({ table, heard }: SiteStates, texts: SiteText[], index: number): SiteText {
    const found = texts[index];
    const now = heard[index] as number;
    if (found?.heard === now) return found;
    const { id, name } = table.facts[index] as SiteTable['facts'][number];
    const made = makeSiteText(id, name, registry.findSite(id), probes.of(id).address ?? '', now);
    texts[index] = made;
    return made;
  }

  return (video, { world, question, picks, isExploring, access }) => {
    const { states } = world;
    let texts = kept.get(states);
    if (!texts) {
      texts = [];
      kept.set(states, texts);
    }
    // Ids and file names alone: nothing in it that JSON would escape.
    const path = mediaPath(video.video, video.revision, '');
    const hls = flat(`${path}${MULTIVARIANT_PLAYLIST}","dash":"`);
    const dash = flat(`${path}${DASH_MANIFEST}"`);
    let text = '[';
    for (let at = 0; at < picks.length; at++) {
      const { index } = picks[at] as Decision['picks'][number];
      const { head, baseUrl } = textOf(states, texts, index);
      // In base64url: nothing in it either that JSON would escape.
      const token = access?.tokenFor(world.table.facts[index]?.id as SiteId);
      text += at === 0 ? '' : ',';
      if (token === undefined) {
        text += `${head + hls + baseUrl + dash},"reason":`;
      } else {
        const opened = tokenPath(token);
        text += `${head + opened + hls + baseUrl + opened + dash},"token":"${token}","reason":`;
      }
      const reasons = reasonsOf(world, question, index);
      let isFirst = true;
      if (at === 0 && isExploring) {
        text += EXPLORING.leading;
        isFirst = false;
      }
      for (const said of reasons) {
        text += isFirst ? said.leading : said.following;
        isFirst = false;
      }
      text += scoreText(at, picks.length);
    }
    return `${text}]`;
  };
}

function makeSiteText(
  id: SiteId,
  name: string,
  site: RegisteredSite | undefined,
  address: string,
  heard: number,
): SiteText {
  const baseUrl = asciiJson(site?.baseUrl ?? '');
  const inner = flat(baseUrl.slice(1, -1));
  const head = flat(
    `{"site":"${id}","name":${asciiJson(name)},"address":${asciiJson(address)},"baseUrl":${baseUrl},"hls":"${inner}`,
  );
  return { heard, head, baseUrl: inner };
}

/** For display, by place; there are few. */
const scores = new Map<number, string>();
function scoreText(at: number, count: number): string {
  const key = count * 1_000 + at;
  const text = scores.get(key) ?? flat(`],"score":${(count - at) / count}}`);
  scores.set(key, text);
  return text;
}
