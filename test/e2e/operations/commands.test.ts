/** The command line: help for each command, and one report of all wrong settings. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMAND, runProgram } from '../../support/programs.ts';

const tributary = (...args: string[]) => runProgram(process.execPath, [COMMAND, ...args], 20_000);
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-commands-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('--help', () => {
  it.each(['demo', 'central', 'tracker', 'site', 'doctor'])('of %s describes its usage', command => {
    const { status, stdout } = tributary(command, '--help');
    expect(status).toBe(0);
    expect(stdout).toContain(`Usage: tributary ${command}`);
  });

  it('lists the commands, and unknown ones are rejected', () => {
    expect(tributary().stdout).toContain('tributary COMMAND --help');
    expect(tributary('--version').stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/);
    const wrong = tributary('publish');
    expect([wrong.status, wrong.stderr.trim()]).toEqual([
      2,
      'Unknown command "publish". Run `tributary --help`.',
    ]);
    expect(tributary('site', '--colour').status).toBe(2);
  });
});

describe('init', () => {
  it('suggests the part that was probably meant', () => {
    const { status, stderr } = tributary('init', 'centre');
    expect([status, stderr.trim()]).toEqual([
      2,
      'There is no part "centre". Did you mean `tributary init central`?',
    ]);
    expect(tributary('init').stderr).toContain('Say which part');
  });

  it('refuses a join token that central would refuse, and writes nothing', () => {
    const path = join(directory, 'short.toml');
    const { status, stderr } = tributary(
      ...['init', 'site', '--central', 'http://127.0.0.1:8080', '--join-token', 'abc', '--config', path],
    );
    expect([status, stderr]).toEqual([
      2,
      expect.stringContaining('`site.joinToken` must have 16 to 200 characters'),
    ]);
    expect(existsSync(path)).toBe(false);
  });
});

describe('a wrong configuration', () => {
  it('is reported completely, at once, without a stack', async () => {
    const path = join(directory, 'wrong.toml');
    await writeFile(
      path,
      '[site]\nname = ""\nlisten = "here"\nbaseUrl = "ftp://x"\nsourceAddress = "here"\noperatorToken = "short"\nbufferDisk = "lots"\ncolour = 1\n',
    );
    const { status, stderr } = tributary('site', '--config', path);
    expect(status).toBe(2);
    for (const setting of [
      'name',
      'listen',
      'baseUrl',
      'operatorToken',
      'bufferDisk',
      'dataDirectory',
      'sourceAddress',
      'colour',
    ]) {
      expect(stderr).toContain(setting);
    }
    expect(stderr).not.toContain('    at ');
  });

  it.each([
    ['a data directory that cannot be one', 'dataDirectory = "FILE"', 'is a file|exists already'],
    [
      'an address that this machine does not have',
      'dataDirectory = "DIR"\nlisten = "192.0.2.1:9"',
      'does not have the address 192.0.2.1:9',
    ],
    [
      'an unreachable database',
      'dataDirectory = "DIR"\ndatabase = "postgres://a:b@127.0.0.1:1/c"',
      'refuses connections',
    ],
  ])('%s is reported in a sentence, without a stack', async (_what, lines, reason) => {
    const path = join(directory, 'refused.toml');
    await writeFile(join(directory, 'file'), '');
    const settings = lines.replace('FILE', join(directory, 'file')).replace('DIR', join(directory, 'data'));
    await writeFile(path, `[central]\noperatorToken = "a-token-of-these-tests"\n${settings}\n`);
    const { status, stderr } = tributary('central', '--config', path);
    expect(status).toBe(1);
    expect(stderr).toMatch(new RegExp(`^Cannot start: .*(${reason}).*\nRun "tributary doctor"`, 'm'));
    expect(stderr).not.toContain('    at ');
  });

  it.each(['central', 'tracker', 'site', 'worker', 'doctor'])(
    'that is the unchanged sample is refused by %s, with every placeholder',
    command => {
      const { status, stdout, stderr } = tributary(command, '--config', 'tributary.sample.toml');
      expect(status).toBe(command === 'doctor' ? 1 : 2);
      expect(stdout + stderr).toMatch(/operatorToken\b.* is a placeholder/);
      if (command !== 'central') expect(stdout + stderr).toMatch(/joinToken\b.* is a placeholder/);
    },
  );

  it('that is missing is reported with its name', () => {
    const path = join(directory, 'none.toml');
    const { status, stderr } = tributary('central', '--config', path);
    expect([status, stderr]).toEqual([
      2,
      expect.stringContaining(`There is no file ${path}. Write one with \`tributary init central\``),
    ]);
  });

  it('of the demo names the variable', () => {
    const run = runProgram('env', ['TRIBUTARY_PORT=many', process.execPath, COMMAND, 'demo'], 20_000);
    expect([run.status, run.stderr]).toEqual([2, expect.stringContaining('TRIBUTARY_PORT is "many"')]);
  });

  it('of the demo with a port in use starts nothing', async () => {
    const server = createServer();
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    try {
      const run = runProgram(
        'env',
        [`TRIBUTARY_PORT=${port}`, `TRIBUTARY_DATA_DIR=${directory}/demo`, process.execPath, COMMAND, 'demo'],
        20_000,
      );
      expect(run.status).not.toBe(0);
      expect(run.stderr).toContain(`127.0.0.1:${port} is in use`);
      expect(run.stdout).not.toContain('✓');
      expect(existsSync(join(directory, 'demo'))).toBe(false);
    } finally {
      server.close();
    }
  });
});
