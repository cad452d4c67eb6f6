import { describe, expect, it } from 'vitest';
import { type CommandSyntax, parseArguments } from '../bin/arguments.ts';

const COMMANDS: Readonly<Record<string, CommandSyntax>> = {
  site: {},
  status: { options: { json: 'flag' } },
  backup: { options: { to: 'text' } },
  init: { operands: 1, options: { 'join-token': 'text' } },
};
const parse = (line: string) => parseArguments(line.split(' ').filter(Boolean), COMMANDS);

describe('arguments', () => {
  it('are a command, operands, texts and flags in any order', () => {
    expect(parse('init -c a.toml site --join-token=x-y')).toEqual({
      command: 'init',
      operands: ['site'],
      texts: { config: 'a.toml', 'join-token': 'x-y' },
      flags: new Set(),
    });
    expect(parse('-c a.toml status --json')).toMatchObject({ command: 'status', flags: new Set(['json']) });
    expect(parse('')).toMatchObject({ command: '', operands: [] });
    expect(parse('-v').flags).toEqual(new Set(['version']));
    // The value may begin with a hyphen only in this form.
    expect(parse('init site --join-token=-x').texts).toEqual({ 'join-token': '-x' });
  });

  it.each([
    ['stie', 'Unknown command "stie". Did you mean `tributary site`? Run `tributary --help`.'],
    ['publish', 'Unknown command "publish". Run `tributary --help`.'],
    ['toString', 'Unknown command "toString". Run `tributary --help`.'],
    ['site --cofnig x', 'Unknown option --cofnig. Did you mean --config? Run `tributary site --help`.'],
    ['site --toString', 'Unknown option --toString. Run `tributary site --help`.'],
    ['site -x', 'Unknown option -x. Run `tributary site --help`.'],
    ['--verson', 'Unknown option --verson. Did you mean --version? Run `tributary --help`.'],
    ['site --to x', 'The option --to is only for tributary backup.'],
    ['backup --to', '--to needs a value: --to VALUE'],
    ['backup --to --config x', '--to needs a value: --to VALUE'],
    ['site --config', '--config needs a value: --config FILE'],
    ['site --config=', '--config needs a value: --config FILE'],
    ['status --json=yes', '--json takes no value.'],
    ['site extra', 'Unexpected argument "extra". Run `tributary site --help`.'],
    ['init site extra', 'Unexpected argument "extra". Run `tributary init --help`.'],
  ])('%s: %s', (line, message) => expect(() => parse(line)).toThrow(message));
});
