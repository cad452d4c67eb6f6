/** The rules of the DASH schema (ISO/IEC 23009-1) for our manifests: elements, attributes and their forms. */

const INTEGER = /^\d+$/;
const POSITIVE = /^[1-9]\d*$/;
const DURATION = /^PT(\d+H)?(\d+M)?\d+(\.\d+)?S$/;
const URL_TEXT = /^[^\s<>"]+$/;
const BOOLEAN = /^(true|false)$/;
const ANY = /./;

interface Rule {
  /** Child elements in the order of the schema. */
  readonly children: readonly string[];
  readonly required: Readonly<Record<string, RegExp>>;
  readonly optional?: Readonly<Record<string, RegExp>>;
}

const RULES: Readonly<Record<string, Rule>> = {
  MPD: {
    children: ['BaseURL', 'ContentSteering', 'Period'],
    required: { xmlns: /^urn:mpeg:dash:schema:mpd:2011$/, profiles: ANY, minBufferTime: DURATION },
    optional: { type: /^static$/, mediaPresentationDuration: DURATION, maxSegmentDuration: DURATION },
  },
  BaseURL: { children: [], required: {}, optional: { serviceLocation: ANY } },
  ContentSteering: {
    children: [],
    required: {},
    optional: { defaultServiceLocation: ANY, queryBeforeStart: BOOLEAN },
  },
  Period: {
    children: ['AdaptationSet'],
    required: {},
    optional: { id: ANY, start: DURATION, duration: DURATION },
  },
  AdaptationSet: {
    children: [
      'EssentialProperty',
      'SupplementalProperty',
      'Label',
      'Accessibility',
      'Role',
      'Representation',
    ],
    required: { mimeType: /^(video|audio)\/mp4$/ },
    optional: {
      id: INTEGER,
      contentType: /^(video|audio)$/,
      lang: /^[a-zA-Z0-9-]+$/,
      segmentAlignment: BOOLEAN,
      startWithSAP: /^[0-6]$/,
    },
  },
  EssentialProperty: { children: [], required: { schemeIdUri: URL_TEXT }, optional: { value: ANY } },
  SupplementalProperty: { children: [], required: { schemeIdUri: URL_TEXT }, optional: { value: ANY } },
  Label: { children: [], required: {}, optional: { lang: ANY } },
  Accessibility: { children: [], required: { schemeIdUri: URL_TEXT }, optional: { value: ANY } },
  Role: { children: [], required: { schemeIdUri: URL_TEXT }, optional: { value: ANY } },
  Representation: {
    children: ['AudioChannelConfiguration', 'SegmentTemplate'],
    required: { id: /^\S+$/, bandwidth: POSITIVE, codecs: /^[A-Za-z0-9]+(\.[A-Za-z0-9.]+)?$/ },
    optional: {
      width: POSITIVE,
      height: POSITIVE,
      frameRate: /^\d+(\/[1-9]\d*)?$/,
      sar: /^\d+:\d+$/,
      audioSamplingRate: POSITIVE,
    },
  },
  AudioChannelConfiguration: { children: [], required: { schemeIdUri: URL_TEXT, value: ANY } },
  SegmentTemplate: {
    children: ['SegmentTimeline'],
    required: { timescale: POSITIVE, media: /\$Number\$/, initialization: ANY },
    optional: { startNumber: INTEGER, presentationTimeOffset: INTEGER },
  },
  SegmentTimeline: { children: ['S'], required: {} },
  S: { children: [], required: { d: POSITIVE }, optional: { t: INTEGER, r: /^-?\d+$/ } },
};

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  text: string;
}

/** @returns the total seconds of each representation's segments, by id. @throws Error that names the first broken rule */
export function checkMpd(text: string): ReadonlyMap<string, number> {
  const root = parse(text);
  if (root.name !== 'MPD') throw new Error(`the root is ${root.name}`);
  const ids = new Map<string, number>();
  check(root, ids);
  checkDurations(root);
  checkAudioSets(root);
  return ids;
}

const listElements = (element: Element, name: string): readonly Element[] =>
  element.children.flatMap(child => [...(child.name === name ? [child] : []), ...listElements(child, name)]);

/** `maxSegmentDuration` is the maximum of all segments (ISO/IEC 23009-1, table 3). */
function checkDurations(root: Element): void {
  const limit = Number(/^PT([\d.]+)S$/.exec(root.attributes.maxSegmentDuration ?? '')?.[1]);
  for (const template of listElements(root, 'SegmentTemplate'))
    for (const { attributes } of listElements(template, 'S')) {
      const seconds = Number(attributes.d) / Number(template.attributes.timescale);
      if (!(seconds <= limit + 1e-9))
        throw new Error(`a segment of ${seconds} s, and a maximum of ${limit} s`);
    }
}

/** Audio sets of one language differ in label and in role or accessibility, and only one of them is the main one. */
function checkAudioSets(root: Element): void {
  const seen = new Set<string>();
  for (const { attributes, children } of listElements(root, 'AdaptationSet')) {
    if (attributes.contentType !== 'audio') continue;
    const read = (name: string) => children.find(child => child.name === name)?.attributes.value ?? '';
    if (read('Role') === '') throw new Error('an audio set has no role');
    const isMain = read('Role') === 'main';
    const key = `${attributes.lang} ${isMain ? 'main' : children.find(({ name }) => name === 'Label')?.text}`;
    if (seen.has(key)) throw new Error(`two audio sets are ${key}`);
    seen.add(key);
  }
}

function check(element: Element, ids: Map<string, number>): void {
  const { name, attributes, children } = element;
  const rule = RULES[name];
  if (!rule) throw new Error(`there is no <${name}>`);
  for (const [attribute, form] of Object.entries(rule.required)) {
    if (!form.test(attributes[attribute] ?? ''))
      throw new Error(`${name}@${attribute} is "${attributes[attribute]}"`);
  }
  for (const [attribute, value] of Object.entries(attributes)) {
    const form = rule.required[attribute] ?? rule.optional?.[attribute];
    if (!form?.test(value)) throw new Error(`${name}@${attribute} is "${value}"`);
  }
  let order = 0;
  for (const child of children) {
    const place = rule.children.indexOf(child.name);
    if (place < order) throw new Error(`<${child.name}> is in the wrong place in <${name}>`);
    order = place;
    check(child, ids);
  }
  if (name === 'Representation') {
    const id = attributes.id!;
    if (ids.has(id)) throw new Error(`two representations are called ${id}`);
    const template = children.find(child => child.name === 'SegmentTemplate');
    const runs = template?.children[0]?.children ?? [];
    if (runs.length === 0 || runs[0]?.attributes.t === undefined) throw new Error(`${id} has no times`);
    const ticks = runs.reduce((sum, { attributes: s }) => sum + Number(s.d) * (Number(s.r ?? 0) + 1), 0);
    ids.set(id, ticks / Number(template?.attributes.timescale));
  }
}

/** Parses the subset of XML that our manifests use. */
function parse(text: string): Element {
  const stack: Element[] = [{ name: '', attributes: {}, children: [], text: '' }];
  const token = /<\?xml[^?]*\?>|<(\/?)([A-Za-z]+)((?:\s+[A-Za-z:]+="[^"<]*")*)\s*(\/?)>|[^<]+/y;
  while (token.lastIndex < text.length) {
    const at = token.lastIndex;
    const match = token.exec(text);
    if (!match) throw new Error(`no XML: ${text.slice(at, at + 80)}`);
    const [, closing, name, list = '', empty] = match;
    if (name === undefined) {
      stack.at(-1)!.text += match[0];
      continue;
    }
    if (closing) {
      if (stack.pop()?.name !== name) throw new Error(`</${name}> closes nothing`);
      continue;
    }
    const attributes: Record<string, string> = {};
    for (const [, key = '', value = ''] of list.matchAll(/([A-Za-z:]+)="([^"]*)"/g)) {
      if (key in attributes) throw new Error(`${name}@${key} occurs twice`);
      attributes[key] = value;
    }
    const element: Element = { name, attributes, children: [], text: '' };
    stack.at(-1)!.children.push(element);
    if (!empty) stack.push(element);
  }
  const [root] = stack[0]!.children;
  if (stack.length !== 1 || !root) throw new Error('not closed');
  return root;
}
