import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parse } from 'smol-toml';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isPlaceholder } from '../kernel/config/placeholder.ts';
import { type InitOptions, initPart, type NewPart } from './init.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-init-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const MEMBER = { central: 'http://10.0.0.1:8080', joinToken: 'a-join-token-of-this-test' };

async function init(part: NewPart, options: InitOptions, file = 'new.toml') {
  const path = join(directory, file);
  const lines: string[] = [];
  await initPart({
    part,
    path,
    options,
    command: 'npx tributary',
    check: () => {},
    print: line => lines.push(line),
  });
  const config = parse(await readFile(path, 'utf8')) as Record<string, Record<string, string>>;
  return { path, text: lines.join('\n'), section: config[part] ?? {}, config };
}

describe('tributary init', () => {
  it('writes a file for its owner only, with a random token, and says what to do next', async () => {
    const { path, section, text } = await init('central', {});
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const { operatorToken = '', dataDirectory = '', baseUrl = '' } = section;
    expect(operatorToken).toMatch(/^[0-9a-f]{48}$/);
    expect(isPlaceholder(operatorToken)).toBe(false);
    expect(basename(dataDirectory)).toBe(`central-${new URL(baseUrl).host.replace(':', '-')}`);
    expect(text).toContain(`npx tributary central --config ${path}`);
    expect(text).toContain(`${baseUrl}/admin`);
    expect(text).toContain(operatorToken);
  });

  it('adds a section to an existing file, and refuses a second one', async () => {
    const { path } = await init('central', { baseUrl: 'http://10.0.0.1:8080' });
    const { config, text } = await init('site', { ...MEMBER, baseUrl: 'http://10.0.0.1:8090' });
    expect(Object.keys(config)).toEqual(['central', 'site']);
    expect(config.site).toMatchObject({ central: MEMBER.central, joinToken: MEMBER.joinToken });
    expect(text).toContain('Added [site]');
    await expect(init('site', {})).rejects.toThrow(`${path} already has a section [site].`);
  });

  it('says that it cannot write the file', async () => {
    await expect(init('central', {}, 'none/new.toml')).rejects.toThrow(
      `The file ${join(directory, 'none/new.toml')} cannot be written: there is no directory ${join(directory, 'none')}.`,
    );
  });

  it('adds to a file that does not end in a line feed', async () => {
    await writeFile(join(directory, 'new.toml'), '[central]\noperatorToken = "x"');
    expect((await init('tracker', MEMBER)).config.central).toEqual({ operatorToken: 'x' });
  });

  it('listens on the port of the base URL, or behind a proxy on a free port', async () => {
    const direct = await init('site', { baseUrl: 'http://10.0.0.7:9123', name: 'Süd' }, 'a.toml');
    expect(direct.section).toMatchObject({ listen: '0.0.0.0:9123', name: 'Süd' });
    // Nobody else can use this address.
    const local = await init('central', { baseUrl: 'http://127.0.0.1:9124' }, 'b.toml');
    expect(local.section.listen).toBe('127.0.0.1:9124');
    const server = createServer();
    await new Promise<void>(done => {
      // Another program on this machine may have the port already.
      server.once('error', () => done());
      server.listen(8_081, '0.0.0.0', done);
    });
    try {
      const { section, text } = await init('tracker', { ...MEMBER, baseUrl: 'https://t.example.org' });
      expect(section.listen).toMatch(/^0\.0\.0\.0:\d+$/);
      expect(section.listen).not.toBe('0.0.0.0:8081');
      expect(text).toContain(`forward https://t.example.org to ${section.listen}`);
    } finally {
      server.close();
    }
  });

  it('uses a new data directory', async () => {
    const [first, second] = await Promise.all(
      ['http://10.0.0.1:8090', 'http://10.0.0.2:8090'].map(baseUrl =>
        init('site', { baseUrl }, `${new URL(baseUrl).host}.toml`),
      ),
    );
    // Neither has been started, so neither directory exists yet.
    expect(first?.section.dataDirectory).not.toBe(second?.section.dataDirectory);
    const given = join(directory, 'disk');
    await mkdir(given);
    expect((await init('site', { dataDirectory: given }, 'b.toml')).section.dataDirectory).toBe(given);
  });

  it('runs a site without central, but no tracker', async () => {
    const { section, text } = await init('site', {}, 'a.toml');
    expect(section).not.toHaveProperty('central');
    expect(text).toContain(
      'This site works by itself. To publish to a central, add --central and --join-token.',
    );
    await expect(init('tracker', {})).rejects.toThrow('select "Add a tracker"');
    await expect(init('site', { central: MEMBER.central })).rejects.toThrow('--join-token');
  });

  it.each(['example.org', 'ftp://example.org', 'https://example.org/path', 'https://u:p@example.org'])(
    'refuses the base URL %s',
    async baseUrl => {
      await expect(init('central', { baseUrl })).rejects.toThrow(`--base-url is "${baseUrl}"`);
    },
  );
});
