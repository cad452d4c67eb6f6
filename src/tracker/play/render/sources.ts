/**
 * Renders the sources of a response as JSON from cached pieces: the facts of a site are rendered once, and its reasons when they
 * change. Building all of it as objects and serializing them would take longer than the decision.
 */
import type { SiteId } from '../../../protocol/base/ids.ts';
import { DASH_MANIFEST, MULTIVARIANT_PLAYLIST, mediaPath } from '../../../protocol/media/media.ts';
import { tokenPath } from '../../../protocol/media/media-address.ts';
import { EXPLORING, reasonsOf } from '../../choice/reasons.ts';
import { asciiJson, flatten } from '../../choice/rendered-reason.ts';
import type { SiteStates, SiteTable } from '../../choice/sites.ts';
import type { Probes } from '../../probing/probes.ts';
import type { RegisteredSite, Registry } from '../../registry/registry.ts';
import type { PlayDecision } from '../decide.ts';

/** @returns a JSON array of `Source` */
export type RenderSources = (decision: PlayDecision) => string;

/** The rendered facts of a site. */
interface RenderedSite {
  /** `SiteStates.versions` at the time of rendering. */
  readonly version: number;
  /** From the start of the source up to its HLS base URL. */
  readonly head: string;
  /** The base URL as in a JSON string, without quotes. */
  readonly baseUrl: string;
}

export function createRenderSources(
  registry: Pick<Registry, 'findSite'>,
  probes: Pick<Probes, 'of'>,
): RenderSources {
  /** A change in the registry creates new states; a change in a site's health raises its version. */
  const cache = new WeakMap<SiteStates, RenderedSite[]>();

  function siteOf({ table, versions }: SiteStates, cached: RenderedSite[], index: number): RenderedSite {
    const found = cached[index];
    const version = versions[index] as number;
    if (found?.version === version) return found;
    const { id, name } = table.facts[index] as SiteTable['facts'][number];
    const rendered = renderSite({ id, name }, registry.findSite(id), probes.of(id).address ?? '', version);
    cached[index] = rendered;
    return rendered;
  }

  return ({ video, state, question, picks, isExploring, access }) => {
    const { states } = state;
    let cached = cache.get(states);
    if (!cached) {
      cached = [];
      cache.set(states, cached);
    }
    // Ids and file names contain nothing that JSON escapes.
    const path = mediaPath(video.video, video.revision, '');
    const hls = flatten(`${path}${MULTIVARIANT_PLAYLIST}","dash":"`);
    const dash = flatten(`${path}${DASH_MANIFEST}"`);
    let text = '[';
    for (let at = 0; at < picks.length; at++) {
      const { index } = picks[at] as PlayDecision['picks'][number];
      const { head, baseUrl } = siteOf(states, cached, index);
      // A token is base64url, which JSON does not escape.
      const token = access?.tokenFor(state.table.facts[index]?.id as SiteId);
      text += at === 0 ? '' : ',';
      if (token === undefined) {
        text += `${head + hls + baseUrl + dash},"reason":`;
      } else {
        const prefix = tokenPath(token);
        text += `${head + prefix + hls + baseUrl + prefix + dash},"token":"${token}","reason":`;
      }
      let isFirst = true;
      if (at === 0 && isExploring) {
        text += EXPLORING.leading;
        isFirst = false;
      }
      for (const reason of reasonsOf(state, question, index)) {
        text += isFirst ? reason.leading : reason.following;
        isFirst = false;
      }
      text += renderScore(at, picks.length);
    }
    return `${text}]`;
  };
}

function renderSite(
  { id, name }: { readonly id: SiteId; readonly name: string },
  site: RegisteredSite | undefined,
  address: string,
  version: number,
): RenderedSite {
  const baseUrl = asciiJson(site?.baseUrl ?? '');
  const inner = flatten(baseUrl.slice(1, -1));
  const head = flatten(
    `{"site":"${id}","name":${asciiJson(name)},"address":${asciiJson(address)},"baseUrl":${baseUrl},"hls":"${inner}`,
  );
  return { version, head, baseUrl: inner };
}

/** Scores are for display and depend only on the rank, so there are few. */
const scores = new Map<number, string>();
function renderScore(at: number, count: number): string {
  const key = count * 1_000 + at;
  const text = scores.get(key) ?? flatten(`],"score":${(count - at) / count}}`);
  scores.set(key, text);
  return text;
}
