import { describe, expect, it } from 'vitest';
import { formatJoinLines } from './join-lines.ts';

const CENTRAL = 'https://c.example';
const site = { role: 'site', name: 'A "quoted" name', joinToken: 'tok' } as const;

describe('the configuration of a new member', () => {
  it('of a site with an IP address', () => {
    expect(formatJoinLines({ ...site, baseUrl: 'http://192.0.2.7:8090' }, CENTRAL)).toBe(
      '[site]\nname = "A \\"quoted\\" name"\nbaseUrl = "http://192.0.2.7:8090"\nsourceAddress = "192.0.2.7:8090"\n' +
        'central = "https://c.example"\njoinToken = "tok"\n',
    );
    expect(formatJoinLines({ ...site, baseUrl: 'http://[2001:db8::7]' }, CENTRAL)).toContain(
      'sourceAddress = "[2001:db8::7]:80"',
    );
  });
  it('of a site with a host name, whose address the operator fills in', () => {
    expect(formatJoinLines({ ...site, baseUrl: 'https://v.example' }, CENTRAL)).toContain(
      '# sourceAddress = "192.0.2.7:443"',
    );
  });
  it('of a tracker, without a name and a source address', () => {
    const tracker = { ...site, role: 'tracker', baseUrl: 'https://t.example' } as const;
    expect(formatJoinLines(tracker, CENTRAL)).toBe(
      '[tracker]\nbaseUrl = "https://t.example"\ncentral = "https://c.example"\njoinToken = "tok"\n',
    );
  });
});
