/** Sends every request with every role and credential, and writes the outcomes as a table: a line for each call. */
import { sessionCookieName } from '../../src/kernel/access/credentials.ts';
import { ROLE_NAMES } from '../../src/protocol/people/permissions.ts';
import { TOKEN } from '../support/central-requests.ts';
import { fill, namesOwned, REQUESTS, type TestRequest } from './requests.ts';
import { isFixed, type Part } from './routes.ts';
import { type Actor, type Headers, type Owned, PLACES, type Place, type Scene } from './scene.ts';
import { send } from './send.ts';

const COLUMNS = ['nobody', 'wrong', 'none', ...ROLE_NAMES, 'token'] as const;
type Column = (typeof COLUMNS)[number];
const HEADINGS: Readonly<Partial<Record<Column, string>>> = {
  wrong: 'wrong credential',
  none: 'no role',
  'site-manager': 'manager',
  token: 'operator token',
};
export type Credential = 'session' | 'token';

/** The outcomes of one request, by who sends it: `nobody`, or `author, site, own` for the own object of an author of the site. */
type Outcomes = Readonly<Record<string, string>>;
export interface Row {
  readonly call: string;
  readonly outcomes: Outcomes;
}

interface Sending {
  readonly scene: Scene;
  readonly part: Part;
  readonly call: string;
  readonly request: TestRequest;
  readonly credential: Credential;
  readonly places: readonly Place[];
}

/** `yes`: access was permitted. `401`, `403`, `404`: it was not. Anything else was not expected. */
async function outcomeOf(
  { scene, part, call, request }: Sending,
  headers: Headers,
  owned: Owned,
): Promise<string> {
  const [method = '', route = ''] = call.split(' ');
  const { path = route, body, passes = '200', hides } = request;
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const response = await send(method, scene.urls[part] + fill(path, scene, owned), {
    headers: {
      ...(text === body ? {} : { 'content-type': 'application/json' }),
      ...request.headers,
      ...headers,
    },
    body: text === undefined ? undefined : fill(text, scene, owned),
  });
  if (response.outcome === passes) return 'yes';
  if (response.outcome === hides) return '404';
  if (response.outcome === '403 not-permitted') return '403';
  return response.status === 401 ? '401' : response.outcome;
}

const wrongCredential = ({ scene: { urls }, part, credential }: Sending): Headers =>
  credential === 'token'
    ? { authorization: `Bearer trib_${'w'.repeat(43)}` }
    : {
        cookie: `${sessionCookieName(part === 'site' ? urls.site : 'central')}=${'w'.repeat(43)}`,
        origin: urls[part],
      };

async function credentialOf({ scene, part, credential, request }: Sending, actor: Actor): Promise<Headers> {
  if (credential === 'token') return actor.token;
  // The sessions of the actors are needed later.
  const isEnded = request.endsSession && part !== 'tracker';
  return isEnded ? scene.signIn(part, actor.person) : actor.sessions[part];
}

async function outcomesOfActor(sending: Sending, actor: Actor): Promise<Outcomes> {
  const headers = await credentialOf(sending, actor);
  const name = `${actor.role ?? 'none'}, ${actor.place}`;
  const others = await outcomeOf(sending, headers, sending.scene.others);
  if (!namesOwned(sending.request)) return { [name]: others };
  return { [name]: others, [`${name}, own`]: await outcomeOf(sending, headers, actor) };
}

async function readRow(sending: Sending): Promise<Row> {
  const { scene, part, call, places } = sending;
  const { others } = scene;
  // Where a person has a role matters only if the rule depends on the role.
  const wanted = isFixed(part, call) ? ['everything'] : places;
  const actors = scene.actors.filter(({ place }) => wanted.includes(place));
  const ofActors = await Promise.all(actors.map(actor => outcomesOfActor(sending, actor)));
  return {
    call,
    outcomes: {
      nobody: await outcomeOf(sending, {}, others),
      wrong: await outcomeOf(sending, wrongCredential(sending), others),
      ...Object.assign({}, ...ofActors),
      token: await outcomeOf(sending, { authorization: `Bearer ${TOKEN}` }, others),
    },
  };
}

/** @param places the roles that are tried */
export async function readRows(
  scene: Scene,
  part: Part,
  credential: Credential,
  places: readonly Place[] = PLACES,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  // One after another: some requests end sessions that others need.
  for (const [call, request] of Object.entries(REQUESTS[part]))
    rows.push(await readRow({ scene, part, call, request, credential, places }));
  return rows;
}

/** Where a role permits the call, by the places that do. */
const WHERE: Readonly<Record<string, string>> = {
  everything: 'all',
  'everything, site': 'site',
  'everything, site, series': 'series',
  'everything, site, series, other series': 'some',
};

/** One text for the outcomes of a role at all places. */
function describe(outcomes: ReadonlyMap<Place, string>): string {
  const [first = ''] = outcomes.values();
  const others = [...new Set(outcomes.values())].filter(outcome => outcome !== first);
  if (others.length === 0) return first;
  const places = PLACES.filter(place => outcomes.get(place) === first).join(', ');
  const inside = first === 'yes' ? (WHERE[places] ?? places) : first;
  return first === 'yes' && others.join() === '403' ? inside : `${inside}/${others.join('|')}`;
}

function cellOf({ outcomes }: Row, column: Column): string {
  const only = outcomes[column];
  if (only !== undefined) return only;
  const select = (suffix: string): ReadonlyMap<Place, string> =>
    new Map(
      PLACES.flatMap(place => {
        const outcome = outcomes[`${column}, ${place}${suffix}`];
        return outcome === undefined ? [] : [[place, outcome] as const];
      }),
    );
  const [others, own] = [describe(select('')), describe(select(', own'))];
  if (own === '' || own === others) return others;
  return others === '403' ? `own ${own}` : `own ${own}, ${others}`;
}

/** The table of one part. */
export function formatTable(part: Part, rows: readonly Row[]): string {
  const lines = [
    [part, ...COLUMNS.map(column => HEADINGS[column] ?? column)],
    ...rows.map(row => [row.call, ...COLUMNS.map(column => cellOf(row, column))]),
  ];
  const widths = (lines[0] ?? []).map((_, index) => Math.max(...lines.map(line => line[index]?.length ?? 0)));
  return lines
    .map(line => line.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  '))
    .map(line => `${line.trimEnd()}\n`)
    .join('');
}
