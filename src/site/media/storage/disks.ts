/**
 * Several disks for one site. All files of a video are on one disk: the one with the most free space when it was uploaded. If a
 * disk is lost, only the videos on it are unavailable. A marker file distinguishes a mounted disk from an empty directory.
 */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { StartupError } from '../../../kernel/lifecycle/startup-error.ts';
import { newId, type VideoId } from '../../../protocol/base/ids.ts';

const MARKER = '.tributary-disk';
/** In the data directory: the id in the marker of each disk. */
const DISK_LIST = 'disks.json';

export interface Disks {
  readonly all: readonly string[];
  /** The disks that are mounted now. */
  present(): readonly string[];
  /** The disk of a video. For a video without files, the disk on which it would be stored now. */
  diskOf(video: VideoId): string;
  /** Free space of the disk that would store the next video; 0 if no disk is present. */
  freeBytes(): number;
  /**
   * Assigns a new video to a disk with `neededBytes` free, not counting the reserved space. Of several disks, it is the one that
   * will have the most free space after all pending uploads are complete.
   *
   * @returns false if no disk has that space; the video is not assigned then
   */
  assign(video: VideoId, neededBytes: number, pending: readonly PendingUpload[]): boolean;
  /** The free space of the disk of a video, without what the other pending uploads have reserved. */
  unreservedBytes(video: VideoId, pending: readonly PendingUpload[]): number;
  forget(video: VideoId): void;
}

interface PendingUpload {
  readonly video: VideoId;
  readonly sizeBytes: number;
}

/**
 * An upload reserves the space for its remaining bytes from its first byte until this time after its last one. Otherwise uploads
 * that were announced and abandoned would make the site unavailable.
 */
const RESERVED_FOR_MS = 3_600_000;

interface RemainingBytes {
  readonly announced: number;
  /** 0, or the same as `announced`. */
  readonly reserved: number;
}

/**
 * Marks new disks. A known disk without its marker counts as missing.
 *
 * @throws StartupError if the list of disks cannot be read
 */
export function openDisks(root: string, all: readonly string[]): Disks {
  const ids = markDisks(root, all);
  const isPresent = (disk: string): boolean =>
    disk === root
      ? existsSync(join(disk, 'videos'))
      : ids[disk] !== undefined && readMarker(disk) === ids[disk];
  const present = (): readonly string[] => all.filter(isPresent);

  const assigned = new Map<VideoId, string>();
  const findDisk = (video: VideoId): string | undefined =>
    all.find(disk => ['videos', 'uploads'].some(folder => existsSync(join(disk, folder, video))));
  function sumByDisk(pending: readonly PendingUpload[]): (disk: string) => RemainingBytes {
    const sums = new Map<string, RemainingBytes>();
    for (const { video, sizeBytes } of pending) {
      const disk = assigned.get(video) ?? findDisk(video);
      if (disk === undefined) continue;
      const { announced, reserved } = sums.get(disk) ?? NOTHING;
      const bytes = remainingBytes(join(disk, 'uploads', video), sizeBytes);
      sums.set(disk, { announced: announced + bytes.announced, reserved: reserved + bytes.reserved });
    }
    return disk => sums.get(disk) ?? NOTHING;
  }
  return {
    all,
    present,
    diskOf(video) {
      const known = assigned.get(video);
      if (known) return known;
      const found = findDisk(video);
      // A guess is not remembered: the video may be on a disk that comes back.
      if (found) assigned.set(video, found);
      return found ?? findEmptiest(present()) ?? all[0] ?? root;
    },
    freeBytes: () => Math.max(0, ...present().map(freeBytesOf)),
    assign(video, neededBytes, pending) {
      const remaining = sumByDisk(pending);
      const [best] = present()
        .map(disk => {
          const { announced, reserved } = remaining(disk);
          const freeBytes = freeBytesOf(disk);
          return { disk, unreserved: freeBytes - reserved, unannounced: freeBytes - announced };
        })
        .filter(({ unreserved }) => unreserved >= neededBytes)
        .toSorted((a, b) => b.unannounced - a.unannounced);
      if (best) assigned.set(video, best.disk);
      return best !== undefined;
    },
    unreservedBytes(video, pending) {
      const disk = assigned.get(video) ?? findDisk(video);
      if (disk === undefined) return 0;
      const others = pending.filter(upload => upload.video !== video);
      return freeBytesOf(disk) - sumByDisk(others)(disk).reserved;
    },
    forget: video => void assigned.delete(video),
  };
}

/** Creates the folders of every disk that is present, and marks new disks. @returns the id of each disk by its path */
function markDisks(root: string, all: readonly string[]): Readonly<Record<string, string>> {
  const path = join(root, DISK_LIST);
  const ids = readDiskList(path);
  let isChanged = false;
  for (const disk of all) {
    if (disk === root) {
      createFolders(disk);
      continue;
    }
    const known = ids[disk];
    if (known !== undefined) {
      if (readMarker(disk) === known) createFolders(disk);
      continue;
    }
    try {
      createFolders(disk);
      const id = readMarker(disk) ?? newId();
      writeFileSync(join(disk, MARKER), id);
      ids[disk] = id;
      isChanged = true;
    } catch {
      // The disk is not mounted yet. The first start that finds it marks it.
    }
  }
  if (isChanged) writeDiskList(root, path, ids);
  return ids;
}

/** Atomic, even on a full disk: without the list, a lost disk would be mistaken for a new one. */
function writeDiskList(root: string, path: string, ids: Readonly<Record<string, string>>): void {
  mkdirSync(root, { recursive: true });
  const temporary = `${path}.${process.pid}.new`;
  try {
    writeFileSync(temporary, JSON.stringify(ids), { flush: true });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

const findEmptiest = (disks: readonly string[]): string | undefined =>
  disks.toSorted((a, b) => freeBytesOf(b) - freeBytesOf(a))[0];

function freeBytesOf(disk: string): number {
  try {
    const { bavail, bsize } = statfsSync(disk);
    return bavail * bsize;
  } catch {
    return 0;
  }
}

const NOTHING: RemainingBytes = { announced: 0, reserved: 0 };

function remainingBytes(path: string, sizeBytes: number): RemainingBytes {
  const stats = statSync(path, { throwIfNoEntry: false });
  const announced = Math.max(0, sizeBytes - (stats?.size ?? 0));
  const isReserved = stats && stats.size > 0 && stats.mtimeMs > Date.now() - RESERVED_FOR_MS;
  return { announced, reserved: isReserved ? announced : 0 };
}

function createFolders(disk: string): void {
  for (const folder of ['videos', 'uploads']) mkdirSync(join(disk, folder), { recursive: true });
}

function readMarker(disk: string): string | undefined {
  try {
    return readFileSync(join(disk, MARKER), 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}

const diskListSchema = z.record(z.string(), z.string());

function readDiskList(path: string): Record<string, string> {
  if (!existsSync(path)) return {};
  try {
    return diskListSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new StartupError(
      `The list of this site's disks, ${path}, cannot be read. Mount all disks, then delete the file: it is created again`,
      { cause },
    );
  }
}
