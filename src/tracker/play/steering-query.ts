/** Reads the query of a steering request. Invalid parts are ignored: with an error the player would lose its steering. Pure. */
import { MAX_ADDRESS_CHARACTERS, MAX_GRANT_CHARACTERS } from '../client/client.ts';
import type { SteeringReport } from '../reports/report-ingestion.ts';
import { type Pathway, parsePathway } from '../steering/pathways.ts';

export const MAX_PATHWAYS = 32;
const PATHWAY_CHARACTERS = 40;

export interface SteeringQuery extends SteeringReport {
  readonly session: string | undefined;
  readonly pathways: readonly Pathway[];
  readonly isDash: boolean;
  readonly client: string | undefined;
  readonly grant: string | undefined;
}

/** Uses parameters that are valid, occur once and have a reasonable length. */
export function readSteeringQuery(query: unknown): SteeringQuery {
  const read = (name: string, maxCharacters: number): string | undefined => {
    const value = (query as Readonly<Record<string, unknown>>)[name];
    return typeof value === 'string' && value.length <= maxCharacters ? value : undefined;
  };
  const pathways = parsePathways(
    (read('pathways', MAX_PATHWAYS * (PATHWAY_CHARACTERS + 1)) ?? '').split('.'),
  );
  const listCharacters = MAX_PATHWAYS * (PATHWAY_CHARACTERS + 3);
  const [hls] = parsePathways([read('_HLS_pathway', 256) ?? '']);
  // DASH reports all service locations used since the last request, the current one last, and the throughput of each.
  const dash = splitList(read('_DASH_pathway', listCharacters));
  const used = hls ? [hls.site] : dash.map(id => parsePathways([id])[0]?.site);
  const rates = hls
    ? [read('_HLS_throughput', 32) ?? '']
    : splitList(read('_DASH_throughput', listCharacters));
  return {
    session: read('session', 64),
    pathways: pathways
      .filter(({ site }, at) => pathways.findIndex(each => each.site === site) === at)
      .slice(0, MAX_PATHWAYS),
    isDash: dash.length > 0,
    client: read('client', MAX_ADDRESS_CHARACTERS),
    grant: read('grant', MAX_GRANT_CHARACTERS),
    current: used.at(-1),
    throughputs: used.flatMap((site, at) => {
      const bps = Number((rates[at] ?? '').replaceAll('"', ''));
      return site && Number.isFinite(bps) && bps > 0 ? [{ site, bps }] : [];
    }),
  };
}

const splitList = (text: string | undefined): readonly string[] =>
  text === undefined
    ? []
    : text
        .replaceAll('"', '')
        .split(',')
        .map(item => item.trim());
const parsePathways = (ids: readonly string[]): readonly Pathway[] =>
  ids.flatMap(id => parsePathway(id.replaceAll('"', '')) ?? []);
