/**
 * Several disks for one site. A video lives whole on one of them: the one with the most space when it came. A disk that is
 * gone takes its own videos along and nothing else: a mark on each tells a lost disk from an empty directory in its place.
 */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { StartupError } from '../../../kernel/lifecycle/startup-error.ts';
import type { VideoId } from '../../../protocol/ids.ts';
import { newId } from '../../../protocol/ids.ts';

const MARK = '.tributary-disk';
/** In the data directory: which mark each disk was given. */
const LEDGER = 'disks.json';

export interface Disks {
  readonly all: readonly string[];
  /** Those that are there. */
  present(): readonly string[];
  /** Where a video is; of one that is nowhere yet, where it will be. */
  diskOf(video: VideoId): string;
  /** Of the disk on which the next video would be put; 0 where no disk is left. */
  freeBytes(): number;
  /**
   * Puts a video where the most will be left, what is promised to uploads under way taken off, and says how much that is
   * without the video itself.
   */
  place(video: VideoId, promises: readonly PendingUpload[]): number;
  forget(video: VideoId): void;
}

export interface PendingUpload {
  readonly video: VideoId;
  readonly sizeBytes: number;
}

/** Marks disks that are new. A disk that was known and has lost its mark is not there. */
export function openDisks(root: string, all: readonly string[]): Disks {
  const path = join(root, LEDGER);
  const ledger = readLedger(path);
  let isChanged = false;
  for (const disk of all) {
    if (disk === root) {
      makeFolders(disk);
      continue;
    }
    const mark = ledger[disk];
    if (mark !== undefined) {
      if (readMark(disk) === mark) makeFolders(disk);
      continue;
    }
    try {
      makeFolders(disk);
      const own = readMark(disk) ?? newId();
      writeFileSync(join(disk, MARK), own);
      ledger[disk] = own;
      isChanged = true;
    } catch {
      // Not there yet: it is marked at the first start at which it is.
    }
  }
  if (isChanged) {
    mkdirSync(root, { recursive: true });
    // There whole or not at all, also where the disk is full: without it a lost disk would be taken for a new one.
    const temporary = `${path}.${process.pid}.new`;
    writeFileSync(temporary, JSON.stringify(ledger), { flush: true });
    renameSync(temporary, path);
  }
  const isPresent = (disk: string): boolean =>
    disk === root
      ? existsSync(join(disk, 'videos'))
      : ledger[disk] !== undefined && readMark(disk) === ledger[disk];
  const present = (): readonly string[] => all.filter(isPresent);

  const places = new Map<VideoId, string>();
  const findDisk = (video: VideoId): string | undefined =>
    all.find(disk => ['videos', 'uploads'].some(folder => existsSync(join(disk, folder, video))));
  return {
    all,
    present,
    diskOf(video) {
      const known = places.get(video);
      if (known) return known;
      const here = findDisk(video);
      const disk = here ?? roomiest(present()) ?? all[0]!;
      // A guess is not kept: the video may be on a disk that comes back.
      if (here) places.set(video, here);
      return disk;
    },
    freeBytes: () => Math.max(0, ...present().map(freeBytesOf)),
    place(video, promises) {
      const left = new Map(present().map(disk => [disk, freeBytesOf(disk)]));
      for (const { video: other, sizeBytes } of promises) {
        const disk = places.get(other) ?? findDisk(other);
        const free = disk === undefined ? undefined : left.get(disk);
        if (disk === undefined || free === undefined) continue;
        left.set(disk, free - Math.max(0, sizeBytes - sizeOf(join(disk, 'uploads', other))));
      }
      const [disk, bytes] = [...left].reduce<readonly [string | undefined, number]>(
        (best, next) => (best[0] === undefined || next[1] > best[1] ? next : best),
        [undefined, 0],
      );
      if (disk !== undefined) places.set(video, disk);
      return bytes;
    },
    forget: video => void places.delete(video),
  };
}

const roomiest = (disks: readonly string[]): string | undefined =>
  disks.toSorted((a, b) => freeBytesOf(b) - freeBytesOf(a))[0];

function freeBytesOf(disk: string): number {
  try {
    const { bavail, bsize } = statfsSync(disk);
    return bavail * bsize;
  } catch {
    return 0;
  }
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

function makeFolders(disk: string): void {
  for (const folder of ['videos', 'uploads']) mkdirSync(join(disk, folder), { recursive: true });
}

function readMark(disk: string): string | undefined {
  try {
    return readFileSync(join(disk, MARK), 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}

const ledgerSchema = z.record(z.string(), z.string());

/** @throws StartupError where it is there and cannot be read */
function readLedger(path: string): Record<string, string> {
  if (!existsSync(path)) return {};
  try {
    return ledgerSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new StartupError(
      `${path} says which disks this site has, and cannot be read. Mount all of them, then remove it: it is made anew.`,
      { cause },
    );
  }
}
