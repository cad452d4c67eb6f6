/**
 * Encoded samples, made once by ffmpeg and kept in the temporary directory under a hash of their recipe. Tests only read them:
 * a test that changes a sample works on a copy.
 */
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { findFfmpeg } from '../../src/kernel/ffmpeg.ts';

const run = promisify(execFile);
const DIRECTORY = join(tmpdir(), 'tributary-test-videos');

interface Ffmpeg {
  readonly path: string;
  /** Part of each sample's key: another version may make other bytes. */
  readonly version: string;
  readonly encoders: string;
}
let known: Ffmpeg | undefined;

function inspectFfmpeg(): Ffmpeg {
  if (known) return known;
  const path = findFfmpeg(process.env);
  if (!path) throw new Error('These tests need ffmpeg with libx264 and AAC: install it, or set FFMPEG_PATH.');
  const read = (option: string): string =>
    spawnSync(path, ['-hide_banner', option], { encoding: 'utf8' }).stdout;
  known = { path, version: read('-version').split('\n', 1)[0] ?? '', encoders: read('-encoders') };
  return known;
}

/** The path of ffmpeg. @throws Error if this machine has none */
export const requireFfmpeg = (): string => inspectFfmpeg().path;

export const hasEncoder = (name: string): boolean =>
  new RegExp(`\\s${name}\\s`).test(inspectFfmpeg().encoders);

/** `args` are the arguments between `ffmpeg` and the name of the output; `extension` chooses the container. */
export interface Recipe {
  readonly extension: string;
  readonly args: readonly string[];
}

function locate({ extension, args }: Recipe): { readonly path: string; readonly unfinished: string } {
  const key = createHash('sha256')
    .update(JSON.stringify([inspectFfmpeg().version, extension, args]))
    .digest('hex')
    .slice(0, 20);
  mkdirSync(DIRECTORY, { recursive: true });
  return {
    path: join(DIRECTORY, `${key}.${extension}`),
    unfinished: join(DIRECTORY, `${key}.${process.pid}.new.${extension}`),
  };
}

const argsOf = (recipe: Recipe, output: string): string[] => [
  ...['-v', 'error', '-nostdin', '-y'],
  ...recipe.args,
  output,
];

/** Encodes a sample unless it is there. @returns its path */
export async function makeVideo(recipe: Recipe): Promise<string> {
  const { path, unfinished } = locate(recipe);
  if (existsSync(path)) return path;
  try {
    await run(requireFfmpeg(), argsOf(recipe, unfinished), { maxBuffer: 2 ** 24 });
    renameSync(unfinished, path);
  } finally {
    rmSync(unfinished, { force: true });
  }
  return path;
}

/** The same while this process waits. `name` is for error messages, and its extension chooses the container. */
export function makeVideoSync(name: string, args: readonly string[]): string {
  const recipe = { extension: extname(name).slice(1), args };
  const { path, unfinished } = locate(recipe);
  if (existsSync(path)) return path;
  try {
    const { status, stderr } = spawnSync(requireFfmpeg(), argsOf(recipe, unfinished), { encoding: 'utf8' });
    if (status !== 0) throw new Error(`ffmpeg could not make ${name}: ${stderr}`);
    renameSync(unfinished, path);
  } finally {
    rmSync(unfinished, { force: true });
  }
  return path;
}
