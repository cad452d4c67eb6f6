/** `tributary doctor`: looks at this machine and at each part that is configured here, and says what to do. Changes nothing. */
import { ConfigError } from '../kernel/config/config-error.ts';
import type { Listen } from '../kernel/config/settings.ts';
import {
  checkDatabase,
  checkDirectory,
  checkFfmpeg,
  checkNode,
  checkPeer,
  checkPort,
  checkPostgres,
  checkRoom,
  type Finding,
  type Room,
  type Verdict,
} from './checks.ts';

/** What of a part's settings is looked at. */
export interface PartSettings {
  readonly listen: Listen;
  readonly dataDirectory: string;
  /** File of the embedded database, where the part has one. */
  readonly databasePath?: string | undefined;
  /** URL of the PostgreSQL database, where the part has one. */
  readonly database?: string | undefined;
  /** It speaks TLS by itself. */
  readonly tlsCertificate?: string | undefined;
  readonly disks?: readonly string[] | undefined;
  readonly baseUrl?: string | undefined;
  readonly central?: string | undefined;
  readonly keepFree?: number | undefined;
}

export interface PartToCheck {
  readonly part: 'central' | 'tracker' | 'site';
  /** @throws ConfigError that names every fault */
  readonly read: () => PartSettings;
}

export interface DoctorOptions {
  /** Parts that the configuration has a section for. */
  readonly parts: readonly PartToCheck[];
  readonly nodeVersion: string;
  /** Tries which room there is for ffmpeg here. */
  readonly findRoom: () => Promise<Room>;
  readonly print: (line: string) => void;
}

const MARKS: Readonly<Record<Verdict, string>> = { ok: '✓', warn: '!', bad: '✗' };

/** @returns how many findings are bad */
export async function runDoctor({ parts, nodeVersion, findRoom, print }: DoctorOptions): Promise<number> {
  let bad = 0;
  let warnings = 0;
  const tell = (findings: readonly Finding[]): void => {
    for (const { verdict, text, advice } of findings) {
      if (verdict === 'bad') bad++;
      if (verdict === 'warn') warnings++;
      print(`  ${MARKS[verdict]} ${text}`);
      if (advice) print(`    → ${advice}`);
    }
  };
  print('This machine');
  tell([checkNode(nodeVersion)]);
  // Central and trackers have no use for it.
  if (parts.length === 0 || parts.some(({ part }) => part === 'site'))
    tell([checkFfmpeg(), checkRoom(await findRoom())]);
  for (const { part, read } of parts) {
    print(`\n[${part}]`);
    tell(await checkPart(read));
  }
  print('');
  if (parts.length === 0)
    print('No configuration was found; with --config FILE the parts in it are looked at too.');
  print(
    bad === 0 && warnings === 0
      ? 'All is well.'
      : `${count(bad, 'thing')} to mend, ${count(warnings, 'thing')} to know.`,
  );
  return bad;
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

async function checkPart(read: () => PartSettings): Promise<readonly Finding[]> {
  let settings: PartSettings;
  try {
    settings = read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [{ verdict: 'bad', text: error.message, advice: 'tributary.sample.toml explains every setting.' }];
  }
  const { listen, dataDirectory, databasePath, database, baseUrl, central, keepFree } = settings;
  const findings = await Promise.all([
    checkPort(listen, settings.tlsCertificate !== undefined),
    ...[dataDirectory, ...(settings.disks ?? [])].map(path => checkDirectory(path, keepFree ?? 0)),
    database ? checkPostgres(database) : databasePath ? [checkDatabase(databasePath)] : [],
    central ? checkPeer('The centre', central) : [],
    baseUrl ? checkOwnAddress(baseUrl) : [],
  ]);
  return findings.flat();
}

/** Others use this address: while the part is not running, that it does not answer is no fault. */
async function checkOwnAddress(baseUrl: string): Promise<readonly Finding[]> {
  const findings = await checkPeer('Its own address', baseUrl);
  return findings.map(finding =>
    finding.verdict === 'bad'
      ? {
          verdict: 'warn',
          text: finding.text,
          advice: `If the part is running, others cannot reach it either. ${finding.advice}`,
        }
      : finding,
  );
}
