/**
 * One vocabulary (docs/glossary.md): retired words do not come back, neither in names nor in prose. Each rule says which
 * words to use instead. An exception must name its file and match the exact text, so that it covers nothing else.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

interface Rule {
  /** Global, so that every occurrence is found. */
  readonly retired: RegExp;
  readonly instead: string;
  /** Exceptions: a pattern of paths, and the text around the match that is legitimate there. */
  readonly except?: readonly (readonly [path: RegExp, text: RegExp])[];
}

const ANYWHERE = /^/;
const rule = (retired: RegExp, instead: string, except: Rule['except'] = []): Rule => ({
  retired,
  instead,
  except,
});

/** Names of types, variables, functions and files. */
const NAMES: readonly Rule[] = [
  rule(/\b[A-Z]\w*Means\b|\bMeans\b/g, 'Deps'),
  rule(/\b[bB]ells?\b|\bringBell|\brings?\(/g, 'ChangeNotifier, notify'),
  rule(/hearsay/gi, 'peer measurements'),
  rule(/\bsightings?\b/gi, 'site status report'),
  rule(/\bdesks?\b|signalDesk|[a-z]Desk\b/gi, 'signal log'),
  rule(/dissolv(?:e|ed|es|ing)/gi, 'invalidate'),
  rule(/greet(?:s|ed|ing|ings)?/gi, 'handshake'),
  rule(/\btake(?:s|n)?Back|\btak(?:e|es|en|ing) back\b|\btook back\b/g, 'restore (records), revoke (grants)'),
  rule(/\bEars?\b/g, 'NetworkSummary'),
  rule(/\b[vV]oices?\b/g, 'reporter'),
  rule(/\bstrangers?\b/gi, 'other reporter, unauthorised viewer'),
  rule(/\bluck\b|\bpatience\b/gi, 'sessionRandom'),
  rule(/\bCuriosity\b/gi, 'SampleRequest'),
  rule(/\bLiveWorld\b|\bworld:/g, 'RankingState'),
  rule(/\bAskers?\b|\bAsking\b/g, 'client, request'),
  rule(
    /\bstandings\b|\bdepartures\b|\bObedience\b|renameRefused/gi,
    'ranking, switches, Compliance, cloneRefusedPathways',
  ),
  rule(/\bproving\b|\bshaky\b|suspectsItself/gi, 'recovering, degraded, selfIsolated'),
  rule(/\b(?:hot|plain)-?lanes?\b|\blanes?\b/gi, 'fast path'),
  rule(/\btall(?:y|ies)\b/gi, 'rolling counter, counts'),
  rule(/spellWith|long-json|LongJson/g, 'setRawSerializer, json-list-writer'),
  rule(/passing-?fault|\bisPassing\b/gi, 'transient error, isTransient'),
  rule(/\bConfigFault\b|\bStartFault\b/g, 'ConfigError, StartupError'),
  rule(/rights-?book|\bSayer\b|mintRight/gi, 'RightsState, source, signRight'),
  rule(
    /\b(?:interface|type|class) (?:Kept|Whole|Shelf|Flow|Reply|Outflow|Slots|Room|Words|Look|Told|Said)\b/g,
    'a trade term',
  ),
  rule(/\burge\(/g, 'promote()'),
  rule(/\b(?:un)?settl(?:e|es|ed|ing)\w*/gi, 'offload, finish', [
    [ANYWHERE, /allSettled|PromiseSettledResult/],
  ]),
  rule(/\bballast\b|holdingOut/gi, 'disk reserve'),
  rule(/\bupkeep\b|\bleftovers?\b|\brevive\w*/gi, 'maintenance, orphans, recoverSource'),
  rule(
    /readingWords|encodeWords|planRescue|planBeside|\bUnfit\b/g,
    'inputArgs, encodeArgs, planPlayableVersion, planLadder, Unplayable',
  ),
  rule(/\bfilms?\b|[a-z]Films?\b|\bfilm[A-Z]\w*|FILM/gi, 'video'),
  rule(/\b(?:first-?)?rungs?\b|[a-z]Rungs?\b|\brung[A-Z]/gi, 'rendition'),
  rule(/\bstartHearing\b|\bhearing\.ts\b|servePlace/g, 'catalogue-sync, site-info'),
  rule(
    /\bisApart\b|[a-z]-apart\b|\b(?:run|runs|running|stand|part|parts|told|tell|tells) apart\b/g,
    'standalone, isRemote; distinguish',
  ),
  rule(
    /\brenounce\w*|inheritVideo|\bheirs?\b|yieldVideo/gi,
    'releaseCopy, takeOverVideo, successor, cedeVideo',
  ),
  rule(/\buseSpeech\b|\bEverywhere\b/g, 'useTranslation, FleetOverview'),
  rule(/\bislands?\b/gi, 'offline'),
  rule(
    /\b(?:class|interface|type|function|const) \w*(?:Manager|Helper|Utils?)\b/g,
    'a name that says what it does',
  ),
  rule(
    /\bsignal\??: AbortSignal\b(?!\.)|(?<!\.)\bsignal\.aborted|(?<!signals\.\w{3,6}\()\bsignal =>|[{,] signal [,}]/g,
    'abort, for an AbortSignal',
  ),
  rule(
    /\b(?:const|let|function|class|interface|type|readonly) (?:answer|room|turn|look)s?\b/gi,
    'response, headroom, permit or round, ProbeResult',
  ),
];

/** Prose: comments, documents, messages and names of tests. */
const PROSE: readonly Rule[] = [
  rule(/\bwhoever\b/gi, 'anyone who'),
  rule(/\banew\b/gi, 'again'),
  rule(/\bof late\b/gi, 'recently'),
  rule(/\bbeside\b/gi, 'next to, in addition to'),
  rule(/\bmend(?:s|ed|ing)?\b/gi, 'repair, fix'),
  rule(/\bso long\b/gi, 'while, until then'),
  rule(/\b(?:is|are|was|were) to be\b/gi, 'must, should, will'),
  rule(/\bof (?:its|their|our|his|your) own\b(?! [a-z])/gi, 'its own …, separate'),
  rule(/\bgo(?:es|ing)? on\b|\bwent on\b/gi, 'continue'),
  rule(/\balone\b/gi, 'only, by itself'),
  rule(/\bstands? (?:in|at|on|here|there|below|above|beside|behind)\b/gi, 'is stored in, is in'),
  rule(
    /\b(?:tells?|told|telling|hears?|heard|hearing|speaks?|spoke|spoken)\b/gi,
    'report, receive, use, state',
    [[/^src\/ui\/i18n\/texts\//, /hard of hearing/]],
  ),
  rule(/\bwho asks?\b|\bwho asked\b/gi, 'the client'),
  rule(
    /\b(?:is|are|was|were|be|been|stays?|stayed) away\b|-away\b|\bisAway\b|\bhides? away\b/gi,
    'unavailable, offline',
  ),
  rule(/\bunder way\b/gi, 'in progress'),
  rule(/\bsome \d/gi, 'about'),
  rule(/\bwhat (?:is|was|are|were) (?!wrong\b|missing\b)/gi, 'a noun', [
    [/^src\/ui\/i18n\/texts\/en\.ts$/, /Rules decide what is copied where/],
  ]),
  rule(/\bthe centres?\b|\bcentre's\b/gi, 'central', [[/^src\/ui\/i18n\/texts\//, ANYWHERE]]),
  rule(/\b(?:SP|CP)\b|\bpatent\b/g, 'origin, buffer', [
    [/^docs\/glossary\.md$/, ANYWHERE],
    [/\/codec-rules\.ts$/, /V_MPEG4/],
  ]),
  rule(
    /\bmission\.md\b|\bcontract\.md\b|\bsecurity\.md\b|\bhouse\.md\b|\bstyle\.md\b/g,
    'a document in this repository',
  ),
];

/** Folders and files that are checked: everything that people write. */
const CHECKED: readonly string[] = [
  'bench',
  'bin',
  'deploy',
  'docs',
  'scripts',
  'src',
  'test',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'README.md',
  'tributary.sample.toml',
];

/** This file names the words; docs/errors.md is generated from a table in `src`. */
const SKIPPED = ['test/vocabulary.test.ts', 'docs/errors.md'];

function listFiles(folder: string): readonly string[] {
  return execFileSync('git', ['ls-files', '-co', '--exclude-standard', folder], { encoding: 'utf8' })
    .split('\n')
    .filter(
      path => /\.(?:tsx?|mts|mjs|md|toml|css|html|yml|conf|service)$/.test(path) && !SKIPPED.includes(path),
    );
}

/** Each retired word as `path:line: word (replacement): the line`. */
function findRetired(path: string): readonly string[] {
  const text = `${path}\n${readFileSync(path, 'utf8')}`;
  return [...NAMES, ...PROSE].flatMap(({ retired, instead, except = [] }) =>
    [...text.matchAll(retired)].flatMap(({ 0: found, index }) => {
      const start = text.lastIndexOf('\n', index) + 1;
      const end = text.indexOf('\n', index);
      const around = text.slice(start, end < 0 ? undefined : end);
      if (except.some(([paths, texts]) => paths.test(path) && texts.test(around))) return [];
      const line = text.slice(0, index).split('\n').length - 1;
      return [`${path}:${line}: "${found}" (instead: ${instead}): ${around.trim().slice(0, 120)}`];
    }),
  );
}

it.each(CHECKED)('%s uses no retired word', folder => {
  const paths = listFiles(folder);
  expect(paths.length).toBeGreaterThan(0);
  expect(paths.flatMap(findRetired)).toEqual([]);
});
