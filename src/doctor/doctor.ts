/** `tributary doctor`: checks this machine and each configured part, and says how to fix problems. It changes nothing. */
import { ConfigError } from '../kernel/config/config-error.ts';
import type { Listen } from '../kernel/config/settings.ts';
import { tryListen } from '../kernel/http/try-listen.ts';
import { findOther, readMembership } from '../kernel/membership/running-part.ts';
import {
  checkAccess,
  checkConfigAccess,
  checkDatabase,
  checkDirectory,
  checkExampleAddresses,
  checkFfmpeg,
  checkFfprobe,
  checkMembership,
  checkNode,
  checkObjectStore,
  checkPeer,
  checkPort,
  checkPostgres,
  checkSandbox,
  type Finding,
  type ObjectStoreToCheck,
  type Sandbox,
  type Verdict,
} from './checks.ts';

/** The settings of a part that are checked. */
export interface PartSettings {
  readonly listen: Listen;
  readonly dataDirectory: string;
  /** The file of the embedded database, if the part can have one. */
  readonly databasePath?: string | undefined;
  /** The URL of the PostgreSQL database, if the part uses one. */
  readonly database?: string | undefined;
  /** Present if the part serves TLS itself. */
  readonly tlsCertificate?: string | undefined;
  readonly disks?: readonly string[] | undefined;
  readonly baseUrl?: string | undefined;
  readonly sourceAddress?: string | undefined;
  readonly central?: string | undefined;
  readonly joinToken?: string | undefined;
  readonly keepFree?: number | undefined;
  readonly s3?: ObjectStoreToCheck | undefined;
}

export interface PartToCheck {
  readonly part: 'central' | 'tracker' | 'site';
  /** @throws ConfigError that names every error */
  readonly read: () => PartSettings;
}

export interface DoctorOptions {
  /** The parts that have a section in the configuration. */
  readonly parts: readonly PartToCheck[];
  /** The configuration file, if there is one. */
  readonly configPath?: string | undefined;
  readonly nodeVersion: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Finds the strongest sandbox for ffmpeg on this machine. */
  readonly findSandbox: () => Promise<Sandbox>;
  /** Finds the ffprobe that belongs to ffmpeg. */
  readonly findFfprobe: () => Promise<string | undefined>;
  readonly print: (line: string) => void;
}

const MARKS: Readonly<Record<Verdict, string>> = { ok: '✓', warning: '!', error: '✗' };

/** @returns the number of errors */
export async function runDoctor({
  parts,
  configPath,
  nodeVersion,
  environment,
  findSandbox,
  findFfprobe,
  print,
}: DoctorOptions): Promise<number> {
  let errors = 0;
  let warnings = 0;
  const report = (findings: readonly Finding[]): void => {
    for (const { verdict, text, advice } of findings) {
      if (verdict === 'error') errors++;
      if (verdict === 'warning') warnings++;
      print(`  ${MARKS[verdict]} ${text}`);
      if (advice) print(`    → ${advice.replaceAll('\n', '\n      ')}`);
    }
  };
  print('This machine');
  report([checkNode(nodeVersion), ...(configPath ? await checkConfigAccess(configPath) : [])]);
  // Central and trackers do not use ffmpeg.
  if (parts.length === 0 || parts.some(({ part }) => part === 'site'))
    report([...(await checkMediaTools(environment, findFfprobe)), checkSandbox(await findSandbox())]);
  for (const { part, read } of parts) {
    print(`\n[${part}]`);
    report(await checkPart(part, read));
  }
  print('');
  if (parts.length === 0)
    print('No configuration file was found. Use --config FILE to check the parts that it configures.');
  print(
    errors === 0 && warnings === 0
      ? 'No problems found.'
      : `${count(errors, 'error')}, ${count(warnings, 'warning')}.`,
  );
  return errors;
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

async function checkMediaTools(
  environment: DoctorOptions['environment'],
  findFfprobe: DoctorOptions['findFfprobe'],
): Promise<readonly Finding[]> {
  const ffmpeg = checkFfmpeg(environment);
  return ffmpeg.verdict === 'ok' ? [ffmpeg, checkFfprobe(await findFfprobe())] : [ffmpeg];
}

async function checkPart(part: PartToCheck['part'], read: () => PartSettings): Promise<readonly Finding[]> {
  let settings: PartSettings;
  try {
    settings = read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [
      { verdict: 'error', text: error.message, advice: 'See tributary.sample.toml for every setting.' },
    ];
  }
  const { listen, dataDirectory, databasePath, database, baseUrl, sourceAddress, central, keepFree } =
    settings;
  const { joinToken } = settings;
  const membership = readMembership(dataDirectory).state;
  const isStopped = (await tryListen(listen.host, listen.port)) === undefined;
  const findings = await Promise.all([
    checkExampleAddresses({ baseUrl, sourceAddress, central }),
    checkPort(listen, settings.tlsCertificate !== undefined, health => findOther(part, settings, health)),
    ...[dataDirectory, ...(settings.disks ?? [])].map(path => checkDirectory(path, keepFree ?? 0)),
    checkAccess(dataDirectory),
    database ? checkPostgres(database) : databasePath ? [checkDatabase(databasePath)] : [],
    settings.s3 ? checkObjectStore(settings.s3) : [],
    central ? checkMembership({ membership, dataDirectory, joinToken }) : [],
    central ? checkPeer('Central', central) : [],
    baseUrl ? checkOwnAddress(baseUrl, isStopped) : [],
  ]);
  return findings.flat();
}

/** Checks the address that other parts use. It cannot respond while the part is stopped. */
async function checkOwnAddress(baseUrl: string, isStopped: boolean): Promise<readonly Finding[]> {
  const findings = await checkPeer('Its own address', baseUrl);
  return findings.flatMap((finding): readonly Finding[] => {
    if (finding.verdict !== 'error') return [finding];
    if (isStopped) return [];
    const advice = `Other parts cannot reach it either. ${finding.advice}`;
    return [{ verdict: 'warning', text: finding.text, advice }];
  });
}
