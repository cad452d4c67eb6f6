/** A strict reader of playlists (RFC 8216bis): everything unknown, duplicate or missing is an error. */

const ATTRIBUTE = /([A-Z0-9-]+)=("[^"\r\n]*"|[^",\s]+)(,|$)/y;

function readAttributes(text: string): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  ATTRIBUTE.lastIndex = 0;
  while (ATTRIBUTE.lastIndex < text.length) {
    const at = ATTRIBUTE.lastIndex;
    const match = ATTRIBUTE.exec(text);
    if (!match) throw new Error(`no attribute list: ${text.slice(at)}`);
    const [, name = '', value = ''] = match;
    if (attributes.has(name)) throw new Error(`${name} occurs twice`);
    attributes.set(name, value);
  }
  return attributes;
}

const need = (attributes: ReadonlyMap<string, string>, name: string, form: RegExp): string => {
  const value = attributes.get(name);
  if (value === undefined || !form.test(value)) throw new Error(`${name} is ${value}`);
  return value.replaceAll('"', '');
};

export interface StrictVariant {
  readonly uri: string;
  readonly bandwidth: number;
  readonly resolution: string | undefined;
}

export function readMultivariant(text: string): {
  readonly variants: readonly StrictVariant[];
  readonly media: readonly string[];
  readonly iframes: readonly string[];
} {
  const lines = readLines(text);
  const groups = new Set<string>();
  const names = new Set<string>();
  const autoselected = new Set<string>();
  const variants: StrictVariant[] = [];
  const media: string[] = [];
  const iframes: string[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    const [tag = '', rest = ''] = split(line);
    if (tag === '#EXT-X-MEDIA') {
      const attributes = readAttributes(rest);
      need(attributes, 'TYPE', /^(AUDIO|SUBTITLES)$/);
      const group = need(attributes, 'GROUP-ID', /^".+"$/);
      const name = `${group} ${need(attributes, 'NAME', /^".+"$/)}`;
      if (names.has(name)) throw new Error(`two renditions are called ${name}`);
      names.add(name);
      checkAutoselect(attributes, group, autoselected);
      groups.add(group);
      media.push(need(attributes, 'URI', /^".+"$/));
    } else if (tag === '#EXT-X-STREAM-INF') {
      const attributes = readAttributes(rest);
      const bandwidth = Number(need(attributes, 'BANDWIDTH', /^\d+$/));
      if (Number(need(attributes, 'AVERAGE-BANDWIDTH', /^\d+$/)) > bandwidth)
        throw new Error('average above peak');
      need(attributes, 'CODECS', /^"[^"]+"$/);
      if (attributes.has('RESOLUTION')) {
        need(attributes, 'VIDEO-RANGE', /^(SDR|HLG|PQ)$/);
        need(attributes, 'FRAME-RATE', /^\d+\.\d{3}$/);
      }
      if (attributes.has('AUDIO') && !groups.has(need(attributes, 'AUDIO', /^".+"$/))) {
        throw new Error(`no group ${attributes.get('AUDIO')}`);
      }
      const uri = lines[++i] ?? '';
      if (uri.startsWith('#') || uri === '') throw new Error('EXT-X-STREAM-INF without a URI');
      variants.push({ uri, bandwidth, resolution: attributes.get('RESOLUTION') });
    } else if (tag === '#EXT-X-I-FRAME-STREAM-INF') {
      const attributes = readAttributes(rest);
      need(attributes, 'BANDWIDTH', /^[1-9]\d*$/);
      need(attributes, 'CODECS', /^"[^",]+"$/);
      need(attributes, 'RESOLUTION', /^\d+x\d+$/);
      for (const name of ['FRAME-RATE', 'AUDIO', 'SUBTITLES'])
        if (attributes.has(name)) throw new Error(`${name} of a stream of I-frames`);
      iframes.push(need(attributes, 'URI', /^".+"$/));
    } else if (!['#EXT-X-VERSION', '#EXT-X-INDEPENDENT-SEGMENTS', '#EXT-X-CONTENT-STEERING'].includes(tag)) {
      throw new Error(`unknown line ${line}`);
    }
  }
  if (variants.length === 0) throw new Error('no variants');
  return { variants, media, iframes };
}

/** RFC 8216bis, section 4.4.6.1.1: what players may select by themselves differs in more than its name. */
function checkAutoselect(
  attributes: ReadonlyMap<string, string>,
  group: string,
  autoselected: Set<string>,
): void {
  const isDefault = need(attributes, 'DEFAULT', /^(YES|NO)$/) === 'YES';
  if (need(attributes, 'AUTOSELECT', /^(YES|NO)$/) === 'NO') {
    if (isDefault) throw new Error('the default of a group is not selected automatically');
    return;
  }
  const features = ['LANGUAGE', 'ASSOC-LANGUAGE', 'FORCED', 'CHARACTERISTICS'].map(name =>
    attributes.get(name),
  );
  const key = [group, ...features].join(' ');
  if (features.some(Boolean) && autoselected.has(key))
    throw new Error(`two renditions are selected as ${key}`);
  autoselected.add(key);
}

/** @returns durations in seconds */
export function readMedia(text: string): readonly number[] {
  const lines = readLines(text);
  if (lines.at(-1) !== '#EXT-X-ENDLIST') throw new Error('not complete');
  const seen = new Set<string>();
  const durations: number[] = [];
  let target = 0;
  for (let i = 0; i < lines.length - 1; i++) {
    const line = lines[i]!;
    const [tag = '', rest = ''] = split(line);
    if (tag === '#EXTINF') {
      if (!/^\d+(\.\d+)?,$/.test(rest)) throw new Error(line);
      durations.push(Number.parseFloat(rest));
      if (lines[++i] !== `${durations.length - 1}.m4s`) throw new Error(`${lines[i]} is out of order`);
      continue;
    }
    if (seen.has(tag)) throw new Error(`${tag} occurs twice`);
    seen.add(tag);
    if (tag === '#EXT-X-TARGETDURATION') target = Number(rest);
    else if (tag === '#EXT-X-MAP') need(readAttributes(rest), 'URI', /^"init\.mp4"$/);
  }
  for (const tag of ['#EXT-X-VERSION', '#EXT-X-TARGETDURATION', '#EXT-X-MAP', '#EXT-X-PLAYLIST-TYPE']) {
    if (!seen.has(tag)) throw new Error(`${tag} is missing`);
  }
  const longest = Math.max(...durations.map(Math.round));
  if (longest > target) throw new Error(`a segment of ${longest} s, and a target of ${target} s`);
  return durations;
}

/** RFC 8216bis, section 4.4.3.6. @returns the ranges in order */
export function readIFrames(
  text: string,
): readonly { readonly uri: string; readonly seconds: number; readonly sizeBytes: number }[] {
  const lines = readLines(text);
  for (const tag of ['#EXT-X-I-FRAMES-ONLY', '#EXT-X-MAP:URI="init.mp4"', '#EXT-X-PLAYLIST-TYPE:VOD'])
    if (!lines.includes(tag)) throw new Error(`${tag} is missing`);
  if (lines.at(-1) !== '#EXT-X-ENDLIST') throw new Error('not complete');
  const target = Number(/#EXT-X-TARGETDURATION:(\d+)/.exec(text)?.[1]);
  const frames = [...text.matchAll(/^#EXTINF:([\d.]+),\n#EXT-X-BYTERANGE:(\d+)@0\n(\d+\.m4s)$/gm)].map(
    ([, seconds, size, uri = '']) => ({ uri, seconds: Number(seconds), sizeBytes: Number(size) }),
  );
  if (frames.length !== lines.filter(line => line.startsWith('#EXTINF')).length)
    throw new Error('a range is missing');
  if (!frames.every(({ seconds }) => Math.round(seconds) <= target)) throw new Error('a segment is too long');
  return frames;
}

function readLines(text: string): string[] {
  const [first, ...lines] = text.split('\n');
  if (first !== '#EXTM3U' || lines.pop() !== '') throw new Error('no playlist');
  return lines;
}

const split = (line: string): string[] => {
  const at = line.indexOf(':');
  return at === -1 ? [line] : [line.slice(0, at), line.slice(at + 1)];
};
