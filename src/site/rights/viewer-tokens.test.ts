/** What the audit log says about viewers who watch with a token that the site itself has signed. */
import type { IncomingMessage } from 'node:http';
import { beforeEach, expect, it } from 'vitest';
import { ANONYMOUS, type Authority, BREAK_GLASS, HOUSE_NETWORK } from '../../kernel/access/authority.ts';
import { silentLog } from '../../kernel/log.ts';
import { RightsState } from '../../kernel/rights/rights-state.ts';
import { newVideoId } from '../../protocol/base/ids.ts';
import type { AuditEvent } from '../../protocol/people/audit.ts';
import { createSiteRights, type SiteRights } from './site-rights.ts';
import { createViewerTokens, type ViewerTokens } from './viewer-tokens.ts';

const HOUR_MS = 3_600_000;
const [video, other] = [newVideoId(), newVideoId()];
const holder = (authority: Authority, remoteAddress = '192.0.2.1') => ({
  authority,
  request: { headers: {}, socket: { remoteAddress } } as unknown as IncomingMessage,
});
const person = (id: string): Authority => ({
  ...ANONYMOUS,
  person: { id, name: 'Li Na' },
  via: 'session',
  credential: { id: `session of ${id}`, expiresMs: 0 },
});

let nowMs: number;
let state: RightsState;
let rights: SiteRights;
let tokens: ViewerTokens;
let watches: Omit<AuditEvent, 'at'>[];
function start(): void {
  rights = createSiteRights(state, silentLog, () => nowMs);
  tokens = createViewerTokens({ rights, trustedProxies: [], record: event => void watches.push(event) });
  rights.onWatch(tokens.noteWatch);
}
beforeEach(() => {
  nowMs = Math.ceil(Date.now() / HOUR_MS) * HOUR_MS;
  state = RightsState.open();
  watches = [];
  start();
});
const request = (token: string, file: string, of = video): unknown =>
  rights.checkToken(token, of, `/v/${of}/revision/${file}`)?.code;

it('names each viewer once for each video and hour, and not for pictures and captions', () => {
  const files = ['poster.jpg', 'storyboard.vtt', 'multivariant.m3u8', 'a/init.mp4', 'a/0.m4s', 'a/1.m4s'];
  for (const id of ['a', 'b']) {
    const token = tokens.forStudio(video, holder(person(id)));
    expect(tokens.forStudio(video, holder(person(id)))).toBe(token);
    expect(files.slice(0, 2).map(file => request(token, file))).toEqual([undefined, undefined]);
    expect(watches).toHaveLength(id === 'a' ? 0 : 1);
    for (const file of files) expect(request(token, file)).toBeUndefined();
  }
  const object = `video:${video}`;
  const common = { from: '192.0.2.1', action: 'video.watch', object };
  expect(watches).toEqual([
    { ...common, who: { kind: 'person', id: 'a', name: 'Li Na', credential: 'session of a' } },
    { ...common, who: { kind: 'person', id: 'b', name: 'Li Na', credential: 'session of b' } },
  ]);
  nowMs += HOUR_MS;
  expect(request(tokens.forStudio(video, holder(person('a'))), 'a/2.m4s')).toBeUndefined();
  expect(request(tokens.forStudio(other, holder(person('a'))), 'manifest.mpd', other)).toBeUndefined();
  expect(watches.slice(2).map(watch => watch.object)).toEqual([object, `video:${other}`]);
});

it('names a viewer without an account by the address', () => {
  for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.1'])
    request(tokens.forLibrary(video, holder(HOUSE_NETWORK, address)), 'manifest.mpd');
  request(tokens.forLibrary(video, holder(BREAK_GLASS, '192.0.2.3')), 'manifest.mpd');
  expect(watches.map(({ who, from }) => [who.kind, from])).toEqual([
    ['house-network', '192.0.2.1'],
    ['house-network', '192.0.2.2'],
    ['operator-token', '192.0.2.3'],
  ]);
});

it('records also a viewer of whom the site does not know the name any more', () => {
  const token = tokens.forLibrary(video, holder(person('a')));
  start();
  expect(request(token, 'manifest.mpd')).toBeUndefined();
  expect(watches).toMatchObject([
    { who: { kind: 'nobody', credential: expect.stringMatching(/^viewer:[0-9a-f]{16}$/) } },
  ]);
});

it('does not record the site itself, nor tokens that are not valid', () => {
  expect(request(rights.originToken(video), 'a/0.m4s')).toBeUndefined();
  const token = tokens.forLibrary(other, holder(person('a')));
  expect(request(token, 'a/0.m4s')).toBe('token-invalid');
  nowMs += 8 * HOUR_MS;
  expect(request(token, 'a/0.m4s', other)).toBe('token-expired');
  expect(watches).toEqual([]);
});
