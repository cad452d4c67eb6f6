/** Finds ffmpeg, ffprobe and the strongest sandbox for them on this host. */
import { constants, existsSync, realpathSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { findFfmpeg } from '../../../kernel/ffmpeg.ts';
import { type Confinement, findConfinement, type Isolation } from './sandbox.ts';

export interface MediaTools {
  /** Absolute path. */
  readonly ffmpeg: string;
  /** Absolute path; in ffmpeg's directory or on the PATH. Undefined with the packaged ffmpeg, which has no ffprobe. */
  readonly ffprobe: string | undefined;
  readonly confinement: Confinement;
}

interface FindToolsOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly isolation?: Isolation;
}

/** @returns undefined if there is no ffmpeg with the encoders that a site needs */
export async function findMediaTools({
  env = process.env,
  isolation,
}: FindToolsOptions = {}): Promise<MediaTools | undefined> {
  const found = findFfmpeg(env);
  if (!found) return undefined;
  const ffmpeg = resolveProgram(found, env.PATH);
  const [ffprobe, confinement] = await Promise.all([
    findFfprobe(ffmpeg, env.PATH),
    findConfinement(isolation),
  ]);
  return { ffmpeg, ffprobe, confinement };
}

async function findFfprobe(ffmpeg: string, searchPath: string | undefined): Promise<string | undefined> {
  for (const path of [join(dirname(ffmpeg), 'ffprobe'), resolveProgram('ffprobe', searchPath)]) {
    const isExecutable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isExecutable) return path;
  }
  return undefined;
}

/** The absolute path of a program on the PATH: the sandbox has a different PATH. */
function resolveProgram(name: string, searchPath = ''): string {
  if (name.includes('/')) return realpathSync(name);
  const found = searchPath
    .split(delimiter)
    .map(directory => join(directory, name))
    .find(candidate => isAbsolute(candidate) && existsSync(candidate));
  return found ? join(realpathSync(dirname(found)), name) : name;
}
