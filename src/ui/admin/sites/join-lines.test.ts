import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { formatInitCommand, formatJoinLines, formatStartCommand, formatTokenLine } from './join-lines.ts';

const CENTRAL = 'https://c.example';
const TOKEN = 'a-token-that-was-just-generated';
const site = {
  role: 'site',
  name: 'A "quoted" name',
  central: CENTRAL,
  joinToken: 'tok',
  member: 'new',
  baseUrl: 'https://v.example',
} as const;
const tracker = { ...site, role: 'tracker', baseUrl: 'https://t.example' } as const;
const linesOf = (
  invitation: Parameters<typeof formatJoinLines>[0],
  others: readonly string[] = [],
): Record<string, unknown> => parse(formatJoinLines(invitation, { operatorToken: TOKEN, others }));

describe('the configuration of a new member', () => {
  it('of a site without a proxy listens on the port of its base URL', () => {
    expect(linesOf({ ...site, baseUrl: 'http://10.0.0.7:8095' })).toEqual({
      site: {
        name: 'A "quoted" name',
        baseUrl: 'http://10.0.0.7:8095',
        listen: '0.0.0.0:8095',
        dataDirectory: 'data/site-10.0.0.7-8095',
        operatorToken: TOKEN,
        central: CENTRAL,
        joinToken: 'tok',
      },
    });
    expect(linesOf({ ...site, baseUrl: 'http://[2001:db8::7]:8095' })).toMatchObject({
      site: { listen: '[::]:8095' },
    });
  });
  it('of a site behind a proxy listens on a port that no other site has', () => {
    expect(linesOf(site)).toMatchObject({ site: { listen: '0.0.0.0:8090' } });
    expect(linesOf(site, ['https://a.example', 'http://10.0.0.7:8091', 'https://b.example'])).toMatchObject({
      site: { listen: '0.0.0.0:8093', dataDirectory: 'data/site-v.example' },
    });
    // Port 80 needs privileges, so a proxy is expected.
    expect(linesOf({ ...site, baseUrl: 'http://v.example' })).toMatchObject({
      site: { listen: '0.0.0.0:8090' },
    });
  });
  it('of a tracker has no name', () => {
    expect(linesOf(tracker)).toEqual({
      tracker: {
        baseUrl: 'https://t.example',
        listen: '0.0.0.0:8081',
        dataDirectory: 'data/tracker-t.example',
        operatorToken: TOKEN,
        central: CENTRAL,
        joinToken: 'tok',
      },
    });
  });
});

it('the line with a new token replaces that of the configuration', () => {
  const line = formatTokenLine({ ...site, member: 'joined', joinToken: 'a-new_token' });
  expect(line).toBe('joinToken = "a-new_token"');
  const config = formatJoinLines(site, { operatorToken: TOKEN, others: [] });
  const renewed = parse(config.replace(/^joinToken = .*$/m, line));
  expect(renewed).toEqual({ site: { ...(linesOf(site).site as object), joinToken: 'a-new_token' } });
});

describe('the commands for a new member', () => {
  it('quote for a shell, and name the same file', () => {
    expect(formatInitCommand({ ...site, name: "The dean's; rm -rf $HOME" })).toBe(
      "npx tributary init site \\\n  --name 'The dean'\\''s; rm -rf $HOME' \\\n  --base-url https://v.example \\\n  --central https://c.example \\\n  --join-token=tok \\\n  --config site-v.example.toml",
    );
    expect(formatInitCommand(tracker)).toBe(
      'npx tributary init tracker \\\n  --base-url https://t.example \\\n  --central https://c.example \\\n  --join-token=tok \\\n  --config tracker-t.example.toml',
    );
    expect(formatStartCommand(tracker)).toBe('npx tributary tracker --config tracker-t.example.toml');
    expect(formatStartCommand({ ...site, baseUrl: 'http://10.0.0.7:8095' })).toBe(
      'npx tributary site --config site-10.0.0.7-8095.toml',
    );
  });
});
