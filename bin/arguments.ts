/** Parses the arguments of the command line. Every error says what to write instead. */
import { parseArgs } from 'node:util';
import { ConfigError } from '../src/kernel/config/config-error.ts';
import { findNearest } from '../src/kernel/nearest.ts';

/** `text`: the option has a value. */
type OptionKind = 'text' | 'flag';

const COMMON = { config: 'text', help: 'flag', version: 'flag' } as const;
const SHORT: Readonly<Record<string, string>> = { c: 'config', h: 'help', v: 'version' };

export interface CommandSyntax {
  readonly options?: Readonly<Record<string, OptionKind>>;
  /** The number of words that may follow the command. */
  readonly operands?: number;
}

export interface ParsedArguments {
  /** Empty if there is none. */
  readonly command: string;
  readonly operands: readonly string[];
  /** The options with a value. */
  readonly texts: Readonly<Record<string, string>>;
  readonly flags: ReadonlySet<string>;
}

/** @throws ConfigError that names the argument and says what to write instead */
export function parseArguments(
  args: readonly string[],
  commands: Readonly<Record<string, CommandSyntax>>,
): ParsedArguments {
  const command = findCommand(args, commands);
  const syntax = commands[command] ?? {};
  const known: Readonly<Record<string, OptionKind>> = { ...COMMON, ...syntax.options };
  const { tokens } = parseArgs({
    args: [...args],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(
      Object.entries(known).map(([name, kind]) => {
        const short = Object.keys(SHORT).find(letter => SHORT[letter] === name);
        return [name, { type: kind === 'text' ? 'string' : 'boolean', ...(short ? { short } : {}) }];
      }),
    ),
  });
  const words: string[] = [];
  const texts: Record<string, string> = {};
  const flags = new Set<string>();
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName, value } = token;
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    if (kind === undefined) throw unknownOption(rawName, name, command, commands);
    if (kind === 'flag' && value !== undefined) throw new ConfigError(`${rawName} takes no value.`);
    if (kind === 'flag') flags.add(name);
    else if (!value || (value.startsWith('-') && !token.inlineValue)) {
      throw new ConfigError(`${rawName} needs a value: ${rawName} ${name === 'config' ? 'FILE' : 'VALUE'}`);
    } else texts[name] = value;
  }
  const [, ...operands] = words;
  const tooMany = operands[syntax.operands ?? 0];
  if (tooMany !== undefined && !flags.has('help')) {
    throw new ConfigError(`Unexpected argument "${tooMany}". Run \`tributary ${command} --help\`.`);
  }
  return { command, operands, texts, flags };
}

/** The command is the first word that is no option. The value of an option before it is not known yet, so it is skipped. */
function findCommand(args: readonly string[], commands: Readonly<Record<string, CommandSyntax>>): string {
  const first = args.find(
    (word, index) => !word.startsWith('-') && !/^(?:-c|--config)$/.test(args[index - 1] ?? ''),
  );
  if (first === undefined || Object.hasOwn(commands, first)) return first ?? '';
  const nearest = findNearest(first, Object.keys(commands));
  throw new ConfigError(
    `Unknown command "${first}". ${nearest ? `Did you mean \`tributary ${nearest}\`? ` : ''}Run \`tributary --help\`.`,
  );
}

function unknownOption(
  rawName: string,
  name: string,
  command: string,
  commands: Readonly<Record<string, CommandSyntax>>,
): ConfigError {
  const others = Object.keys(commands).filter(other => Object.hasOwn(commands[other]?.options ?? {}, name));
  if (others.length > 0)
    return new ConfigError(`The option ${rawName} is only for tributary ${others.join(', ')}.`);
  const names = Object.keys({ ...COMMON, ...commands[command]?.options });
  const nearest = name.length > 1 ? findNearest(name, names) : undefined;
  const help = command === '' ? 'tributary --help' : `tributary ${command} --help`;
  return new ConfigError(
    `Unknown option ${rawName}.${nearest ? ` Did you mean --${nearest}?` : ''} Run \`${help}\`.`,
  );
}
