/**
 * The file system of a path, from the list of mounts: reading that list never waits, while any access to a network file system
 * whose server is gone can wait for ever. On systems without such a list, every path is accepted.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { StartupError } from './startup-error.ts';

const MOUNTS = '/proc/self/mountinfo';

/** File systems of the kernel, in which no files can be created. */
const PSEUDO =
  /^(proc|sysfs|cgroup2?|debugfs|tracefs|securityfs|configfs|devpts|efivarfs|pstore|bpf|mqueue|binfmt_misc|fusectl|rpc_pipefs|nsfs|autofs)$/;
/** File systems behind a network, also those that a program provides (FUSE). */
const NETWORK =
  /^(nfs4?|cifs|smb3|smbfs|ncpfs|afs|coda|ceph|lustre|gpfs|beegfs|glusterfs|9p|virtiofs|vboxsf|ocfs2|gfs2|fuse\.(sshfs|s3fs|rclone|glusterfs|davfs2?|ceph|cephfs|gcsfuse|goofys|juicefs|mount-s3|blobfuse2?|seaweedfs|moosefs|mfs|smbnetfs))$/;

export interface Mount {
  readonly path: string;
  readonly type: string;
  /** For example the server and its directory. */
  readonly source: string;
}

/** @returns the mount that contains `path`; undefined on systems without a list of mounts */
export function findMount(path: string, mounts: string = readMounts()): Mount | undefined {
  const absolute = resolve(path);
  let found: Mount | undefined;
  for (const line of mounts.split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const [type, source] = right.split(' ');
    const mountPoint = unescapePath(left.split(' ')[4] ?? '');
    if (!type || !source || !isWithin(absolute, mountPoint)) continue;
    // A later mount at the same place covers the earlier one.
    if (!found || mountPoint.length >= found.path.length) found = { path: mountPoint, type, source };
  }
  return found;
}

const isWithin = (path: string, directory: string): boolean =>
  directory === '/' || path === directory || path.startsWith(`${directory}/`);

/** Spaces and tabs of paths are written as octal numbers (proc_pid_mountinfo(5)). */
const unescapePath = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_match, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

function readMounts(): string {
  try {
    return readFileSync(MOUNTS, 'utf8');
  } catch {
    return '';
  }
}

/** @throws StartupError if `path` is in a file system of the kernel */
export function requireRealFileSystem(path: string, mounts?: string): void {
  const mount = findMount(path, mounts);
  if (mount && PSEUDO.test(mount.type))
    throw new StartupError(
      `${path} cannot be used: it is in ${mount.path} (${mount.type}), where no files can be stored. Choose a directory on a disk`,
    );
}

/**
 * SQLite relies on locks and on memory that all processes share, which network file systems do not provide: two machines could
 * write at the same time and damage the database.
 *
 * @throws StartupError if `path` is in a network file system
 */
export function requireLocalFileSystem(path: string, mounts?: string): void {
  const mount = findMount(path, mounts);
  if (mount && NETWORK.test(mount.type))
    throw new StartupError(
      `The database ${path} cannot be used: ${mount.path} is a network file system (${mount.type}, ${mount.source}), on which SQLite's locks and write-ahead log do not work. Choose a directory on a local disk, or use PostgreSQL (setting "database"); only media may be on a network file system (setting "disks")`,
    );
}
