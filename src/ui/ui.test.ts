import { describe, expect, it } from 'vitest';
import type { Site, Video } from '../protocol/central.ts';
import type { Source } from '../protocol/tracker.ts';
import { formatJoinLines } from './admin/sites/join-lines.ts';
import { MAP_HEIGHT, MAP_WIDTH, projectSites } from './admin/sites/map-projection.ts';
import { parseNewSite } from './admin/sites/new-site.ts';
import { fieldsOf, parseSiteEdit } from './admin/sites/site-edit.ts';
import { ApiError, parseProblem, sentenceOf } from './api/call.ts';
import { appendPage, listNew, mergeNewest } from './catalogue/video-pages.ts';
import { drawFlow } from './components/placeholder-drawing.ts';
import { createFormat, formatClock } from './i18n/format.ts';
import { chooseLanguage } from './i18n/language.ts';
import { TEXTS } from './i18n/texts.ts';
import { findKeyAction } from './player/keyboard.ts';
import { chooseLoadLimitMs } from './player/load-limit.ts';
import { describeDoing, isUnfinished, listSteps } from './studio/publication-steps.ts';
import { nameWithoutExtension } from './studio/uploads/upload-queue.ts';
import { beginRate, estimateLeftMs, measureRate } from './studio/uploads/upload-rate.ts';
import { findServing, learnSources, listMoves, NOBODY, noteServed } from './watch/site-switches.ts';

/** Every text by its path; functions are called with marks that must come out again. */
function listTexts(value: unknown, path: string): readonly (readonly [string, string])[] {
  if (typeof value === 'string') return [[path, value]];
  if (typeof value === 'function') {
    return [[path, String(value(...Array.from({ length: value.length }, (_, index) => `<${index}>`)))]];
  }
  return Object.entries(value as object).flatMap(([key, each]) => listTexts(each, `${path}.${key}`));
}

describe('texts', () => {
  const english = listTexts(TEXTS.en, '');
  const chinese = new Map(listTexts(TEXTS.zh, ''));
  it('are complete, and none is empty, in both languages', () => {
    expect([...chinese.keys()].sort()).toEqual(english.map(([path]) => path).sort());
    expect([...english, ...chinese].filter(([, text]) => text.trim() === '')).toEqual([]);
  });
  it('hold the same values in both languages', () => {
    const marks = (text = ''): readonly string[] => [...new Set(text.match(/<\d>/g))].sort();
    for (const [path, text] of english) {
      expect([path, ...marks(chinese.get(path))]).toEqual([path, ...marks(text)]);
    }
  });
  it.each([
    ['?lang=zh', 'en', ['en'], 'zh'],
    ['?lang=fr', 'zh', ['en'], 'zh'],
    ['', 'zh', ['en-US'], 'zh'],
    ['', null, ['fr', 'zh-CN', 'en'], 'zh'],
    ['', 'xx', ['de'], 'en'],
    ['', null, [], 'en'],
  ] as const)('language of %s, stored %s, preferred %j: %s', (search, stored, preferred, expected) => {
    expect(chooseLanguage(search, stored, preferred)).toBe(expected);
  });
});

describe('formats', () => {
  const plain = (text: string): string => text.replace(/[\u00a0\u202f]/g, ' ');
  const en = createFormat('en');
  it.each([
    [0, '0:00'],
    [65_000, '1:05'],
    [3_723_000, '1:02:03'],
    [59_600, '1:00'],
  ])('%i ms on a clock', (ms, text) => expect(formatClock(ms)).toBe(text));
  it.each([
    [512, '512 B'],
    [1_500, '1.5 kB'],
    [999_600, '1 MB'],
    [1_340_000_000, '1.3 GB'],
    [125_000_000, '125 MB'],
  ])('%i bytes', (bytes, text) => expect(plain(en.size(bytes))).toBe(text));
  it.each([
    [-5, '0 s', '0 秒'],
    [400, '0 s', '0 秒'],
    [20_000, '20 s', '20 秒'],
    [59_400, '59 s', '59 秒'],
    [59_600, '1 min', '1 分钟'],
    [353_000, '6 min', '6 分钟'],
    [4_500_000, '75 min', '75 分钟'],
    [7_000_000, '2 h', '2 小时'],
    [40 * 3_600_000, '40 h', '40 小时'],
    [72 * 3_600_000, '3 d', '3 天'],
  ])('a duration of %i ms', (ms, english, chinese) => {
    expect(plain(en.duration(ms))).toBe(english);
    expect(plain(createFormat('zh').duration(ms))).toBe(chinese);
  });
  it('how long ago', () => {
    const now = Date.parse('2026-01-01T12:00:00.000Z');
    expect(en.ago('2026-01-01T11:57:00.000Z', now)).toBe('3 minutes ago');
    expect(en.ago('2025-12-31T12:00:00.000Z', now)).toBe('yesterday');
  });
});

describe('errors', () => {
  it('are read out of problem details', () => {
    const error = parseProblem(503, '{"code":"no-source","detail":"Nobody has it."}', '7');
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      status: 503,
      code: 'no-source',
      message: 'Nobody has it.',
      retryAfterSeconds: 7,
    });
  });
  it.each([
    [507, 'The disk is full.', 'refused', 'The disk is full.'],
    [502, '<html>bad gateway</html>', 'unreadable', ''],
    [500, '', 'unreadable', ''],
    [500, '{"no":"code"}', 'unreadable', ''],
  ])('%i %s', (status, text, code, message) => {
    expect(parseProblem(status, text)).toMatchObject({ status, code, message });
  });
  it('become sentences: our own where the code is known, else the server’s', () => {
    const { errors } = TEXTS.zh;
    expect(sentenceOf(new ApiError(410, 'video-withdrawn', 'Gone.'), errors)).toBe(errors['video-withdrawn']);
    expect(sentenceOf(new ApiError(401, 'whatever', 'No.'), errors)).toBe(errors.unauthorised);
    expect(sentenceOf(new ApiError(409, 'site-busy', 'Busy.'), errors)).toBe('Busy.');
    expect(sentenceOf(new ApiError(500, 'toString', 'Inherited names are no codes.'), errors)).toMatch(
      /^Inher/,
    );
    expect(sentenceOf(parseProblem(502, ''), errors)).toContain('502');
  });
});

describe('keys of the player', () => {
  const press = (key: string, focus: 'picture' | 'nothing' | 'other', hasModifier = false) =>
    findKeyAction({ key, focus, hasModifier });
  it('space and the arrows serve where nothing has the focus', () => {
    expect(['ArrowLeft', ' ', 'ArrowRight', 'ArrowUp'].map(key => press(key, 'nothing'))).toEqual([
      'back',
      'toggle',
      'forward',
      undefined,
    ]);
  });
  it('letters serve on the picture alone, whose own controls know the other keys', () => {
    expect(['f', 'm', ' '].map(key => press(key, 'picture'))).toEqual(['fullscreen', 'mute', undefined]);
    expect(['f', 'm'].map(key => press(key, 'nothing'))).toEqual([undefined, undefined]);
  });
  it('nothing is taken from a field, a button, or the browser', () => {
    expect([press(' ', 'other'), press('f', 'other'), press('f', 'picture', true)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('catalogue', () => {
  const video = (id: string): Video => ({ id }) as unknown as Video;
  const page = (ids: string, next?: string) => ({
    videos: [...ids].map(video),
    ...(next === undefined ? {} : { next }),
  });
  const ids = (shown: { readonly videos: readonly Video[] }): string =>
    shown.videos.map(each => each.id).join('');
  it('puts new videos first and keeps what was loaded after them', () => {
    const shown = appendPage(page('dcb', 'b'), page('ba'));
    expect(ids(shown)).toBe('dcba');
    const merged = mergeNewest(shown, page('edc', 'c'));
    expect(ids(merged)).toBe('edcba');
    expect('next' in merged).toBe(false);
  });
  it('drops what was withdrawn', () => {
    expect(ids(mergeNewest(page('edcba', 'a'), page('edb', 'b')))).toBe('edba');
    expect(ids(mergeNewest(page('cba'), page('')))).toBe('');
    expect(ids(mergeNewest(page('cba'), page('ca')))).toBe('ca');
  });
  it('says which are new', () => {
    expect(listNew(new Set(['a']), page('ba')).map(each => each.id)).toEqual(['b']);
  });
  it('draws the same picture for the same id, and another for another', () => {
    expect(drawFlow('one')).toEqual(drawFlow('one'));
    expect(drawFlow('one')).not.toEqual(drawFlow('two'));
    expect(JSON.stringify(drawFlow('three'))).not.toMatch(/NaN|null/);
  });
});

describe('watch', () => {
  const usual = { segmentSeconds: 4, lowestBitrateBps: 1e6, throughputBps: 20e6, slowInARow: 0 };
  it('gives a segment six seconds, and a slow viewer what the line needs', () => {
    expect(chooseLoadLimitMs(usual)).toBe(6_000);
    expect(chooseLoadLimitMs({ ...usual, throughputBps: 0.8e6 })).toBe(12_500);
    expect(chooseLoadLimitMs({ ...usual, slowInARow: 1 })).toBe(12_000);
    expect(chooseLoadLimitMs({ ...usual, throughputBps: 1_000 })).toBe(60_000);
    expect(chooseLoadLimitMs({ ...usual, throughputBps: 0 })).toBe(6_000);
  });
  it('knows which site serves and when that changed', () => {
    const source = (site: string, host: string): Source =>
      ({ site, name: site.toUpperCase(), baseUrl: `http://${host}` }) as unknown as Source;
    let serving = learnSources(NOBODY, [source('a', '127.0.0.2:1'), source('b', '127.0.0.3:1')]);
    expect(findServing(serving)).toBeUndefined();
    for (const [host, at] of [
      ['127.0.0.2:1', 1],
      ['127.0.0.2:1', 2],
      ['127.0.0.3:1', 3],
    ] as const) {
      serving = noteServed(serving, host, at);
    }
    serving = learnSources(serving, [source('a', '127.0.0.2:1')]);
    expect(findServing(serving)).toBe('b');
    expect(listMoves(serving)).toEqual([
      { from: 'A', to: 'B', atMs: 3 },
      { from: undefined, to: 'A', atMs: 1 },
    ]);
    // Served first, and known only then.
    const early = learnSources(noteServed(NOBODY, '127.0.0.3:1', 1), [source('b', '127.0.0.3:1')]);
    expect(listMoves(early)).toEqual([{ from: undefined, to: 'B', atMs: 1 }]);
  });
});

describe('studio', () => {
  const ready = {
    state: 'ready',
    signalSent: false,
    published: false,
    registered: false,
    receivedBytes: 9,
    sizeBytes: 9,
  } as const;
  const statuses = (video: Parameters<typeof listSteps>[0]): string =>
    listSteps(video)
      .map(({ status }) => status[0])
      .join('');
  it.each([
    [{ ...ready, state: 'uploading' }, 'awwwww', 'incomplete'],
    [{ ...ready, state: 'checking' }, 'dawwww', 'checking'],
    [{ ...ready, state: 'preparing' }, 'dawwww', 'preparing'],
    [ready, 'dddaww', 'signalling'],
    [{ ...ready, signalSent: true }, 'ddddaw', 'publishing'],
    [{ ...ready, published: true }, 'ddddda', 'registering'],
    [{ ...ready, registered: true }, 'dddddd', 'registered'],
    [{ ...ready, state: 'failed' }, 'dfwwww', 'failed'],
    [{ ...ready, state: 'failed', receivedBytes: 3 }, 'fwwwww', 'failed'],
  ] as const)('steps of %j', (video, steps, doing) => {
    expect(statuses(video)).toBe(steps);
    expect(describeDoing(video, true)).toBe(doing);
  });
  it('a site without a centre waits for nothing', () => {
    expect(isUnfinished(ready, true)).toBe(true);
    expect(isUnfinished(ready, false)).toBe(false);
    expect(isUnfinished({ ...ready, registered: true }, true)).toBe(false);
  });
  it('measures a rate, and begins anew when the count falls back', () => {
    const first = measureRate(beginRate(0, 0), 1_000, 1_000);
    expect(first.bytesPerSecond).toBe(1_000);
    expect(estimateLeftMs(first, 3_000, 1_000)).toBe(2_000);
    expect(measureRate(first, 1_100, 1_200)).toBe(first);
    expect(measureRate(first, 10, 2_000).bytesPerSecond).toBeUndefined();
  });
  it('names a video after its file', () => {
    expect(nameWithoutExtension('Lecture 2.1.mp4')).toBe('Lecture 2.1');
    expect(nameWithoutExtension('.mp4')).toBe('.mp4');
  });
});

describe('administration', () => {
  it('writes the lines that join a site', () => {
    const invitation = { role: 'site', name: 'A "quoted" name', joinToken: 'tok' } as const;
    expect(formatJoinLines({ ...invitation, baseUrl: 'http://192.0.2.7:8090' }, 'https://c.example')).toBe(
      '[site]\nname = "A \\"quoted\\" name"\nbaseUrl = "http://192.0.2.7:8090"\nsourceAddress = "192.0.2.7:8090"\n' +
        'central = "https://c.example"\njoinToken = "tok"\n',
    );
    expect(formatJoinLines({ ...invitation, baseUrl: 'https://v.example' }, 'https://c.example')).toContain(
      '# sourceAddress = "192.0.2.7:443"',
    );
  });
  it('reads a new site, or says what is wrong', () => {
    const fields = { name: ' X ', baseUrl: 'http://x', latitude: '', longitude: '', zone: '' };
    const { admin } = TEXTS.en;
    expect(parseNewSite({ ...fields, zone: '10.0.0.0/8\n2001:db8::/32' }, admin)).toEqual({
      name: 'X',
      baseUrl: 'http://x',
      zone: ['10.0.0.0/8', '2001:db8::/32'],
    });
    expect(parseNewSite({ ...fields, latitude: '30.2', longitude: '-120' }, admin).coordinates).toEqual({
      latitude: 30.2,
      longitude: -120,
    });
    expect(() => parseNewSite({ ...fields, zone: '10.0.0.0' }, admin)).toThrow('10.0.0.0');
    expect(() => parseNewSite({ ...fields, latitude: '1' }, admin)).toThrow(admin.bothCoordinates);
  });
  it('reads what was changed of a site, or says what is wrong', () => {
    const { admin } = TEXTS.en;
    const usual = fieldsOf({ policy: {}, zone: ['10.1.0.0/16'] } as unknown as Site);
    expect(usual).toMatchObject({ weight: '1', failoverOrder: '0', egressLimit: '', drained: false });
    expect(parseSiteEdit(usual, admin)).toEqual({
      policy: { weight: 1, failoverOrder: 0, egressLimitBps: null, drained: false },
      zone: ['10.1.0.0/16'],
    });
    const changed = {
      ...usual,
      weight: '0.5',
      failoverOrder: '-3',
      egressLimit: '2.5',
      zone: '2001:db8::/32',
    };
    const edit = parseSiteEdit({ ...changed, drained: true, databaseUrl: 'postgres://a:b@c/d' }, admin);
    expect(edit).toEqual({
      policy: { weight: 0.5, failoverOrder: -3, egressLimitBps: 2_500_000, drained: true },
      zone: ['2001:db8::/32'],
      databaseUrl: 'postgres://a:b@c/d',
    });
    expect(fieldsOf(edit as unknown as Site)).toMatchObject({ ...changed, drained: true });
    expect(parseSiteEdit({ ...usual, throughGateway: true }, admin).databaseUrl).toBeNull();
    const { edit: texts } = admin;
    expect(() => parseSiteEdit({ ...usual, weight: '-1' }, admin)).toThrow(texts.badWeight);
    expect(() => parseSiteEdit({ ...usual, weight: '' }, admin)).toThrow(texts.badWeight);
    expect(() => parseSiteEdit({ ...usual, failoverOrder: '1.5' }, admin)).toThrow(texts.badOrder);
    expect(() => parseSiteEdit({ ...usual, egressLimit: '0' }, admin)).toThrow(texts.badLimit);
    expect(() => parseSiteEdit({ ...usual, databaseUrl: 'mysql://x' }, admin)).toThrow(texts.badDatabase);
    expect(() => parseSiteEdit({ ...usual, zone: 'x' }, admin)).toThrow('x');
  });
  it('places sites inside the map, north above south, east right of west', () => {
    const places = [
      { latitude: 30.3, longitude: 120.2 },
      { latitude: 23.1, longitude: 113.3 },
      { latitude: 39.9, longitude: 116.4 },
    ];
    const projection = projectSites(places);
    const placed = places.map(projection.place);
    for (const { x, y } of placed) {
      expect(x > 0 && x < MAP_WIDTH && y > 0 && y < MAP_HEIGHT).toBe(true);
    }
    expect(placed[2]!.y).toBeLessThan(placed[0]!.y);
    expect(placed[1]!.x).toBeLessThan(placed[0]!.x);
    expect(projection.meridians.length).toBeGreaterThan(1);
    expect(projectSites(places.slice(0, 1)).place(places[0]!)).toEqual({
      x: MAP_WIDTH / 2,
      y: MAP_HEIGHT / 2,
    });
  });
});
