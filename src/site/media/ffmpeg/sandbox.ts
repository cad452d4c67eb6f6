/**
 * A room for one process in which nothing else exists: the programs of the system to read, the files it is given, a
 * directory to write to; no network, no other process, no rights. Made by bubblewrap, or by `unshare`, where the host
 * permits one of them. Where it permits neither, the other defences stand alone, and the studio says so.
 */
import { execFile } from 'node:child_process';
import { existsSync, lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';

export type Isolation = 'bubblewrap' | 'unshare' | 'none';

export interface Confinement {
  readonly isolation: Isolation;
  /** Limits of memory, time and size are set (`prlimit`). */
  readonly hasLimits: boolean;
}

/** Everything is seen under its own name. */
export interface Sandbox {
  /** Files to read. */
  readonly reads: readonly string[];
  /** Directories to write to. */
  readonly writes: readonly string[];
}

export interface ProcessLimits {
  /** Address space. */
  readonly memoryBytes: number;
  readonly cpuSeconds: number;
  /** Of any one file that is written. */
  readonly fileBytes: number;
}

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

const TRIAL_LIMIT_MS = 10_000;
const OPEN_FILES = 256;
/** After the soft limit ffmpeg may still say why it ends. */
const CPU_GRACE_SECONDS = 5;
/** What programs and their libraries need of the system. None of it is anybody's data. */
const SYSTEM_PATHS = [
  ...['/usr/bin', '/usr/sbin', '/usr/lib', '/usr/lib32', '/usr/lib64', '/usr/local/bin', '/usr/local/lib'],
  ...['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/etc/alternatives', '/etc/ld.so.cache'],
];
/** Without the second, every thread may reserve 64 MB of addresses for its own heap. */
export const SANDBOX_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
  MALLOC_ARENA_MAX: '4',
  LC_ALL: 'C.UTF-8',
};

/** The strongest that works here, found by trying it. */
export async function findConfinement(only?: Isolation): Promise<Confinement> {
  const hasLimits = await succeeds(killWithParent({ program: 'prlimit', args: ['--core=0', '--', 'true'] }));
  for (const isolation of ['bubblewrap', 'unshare'] as const) {
    if (only !== undefined && only !== isolation) continue;
    if (await succeeds(sandboxCommand(isolation, { reads: [], writes: [] }, { program: 'true', args: [] }))) {
      return { isolation, hasLimits };
    }
  }
  return { isolation: 'none', hasLimits };
}

async function succeeds({ program, args }: Command): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  try {
    await promisify(execFile)(program, args, { timeout: TRIAL_LIMIT_MS, env: SANDBOX_ENVIRONMENT });
    return true;
  } catch {
    return false;
  }
}

/** The command line that runs `inner` in a room under limits. */
export function confine(
  { isolation, hasLimits }: Confinement,
  room: Sandbox,
  limits: ProcessLimits,
  inner: Command,
): Command {
  const limited = hasLimits
    ? {
        program: 'prlimit',
        args: [
          `--as=${limits.memoryBytes}`,
          `--cpu=${limits.cpuSeconds}:${limits.cpuSeconds + CPU_GRACE_SECONDS}`,
          `--fsize=${limits.fileBytes}`,
          `--nofile=${OPEN_FILES}`,
          '--core=0',
          '--',
          inner.program,
          ...inner.args,
        ],
      }
    : inner;
  return sandboxCommand(isolation, room, limited, inner.program);
}

function sandboxCommand(isolation: Isolation, room: Sandbox, inner: Command, program?: string): Command {
  // A program outside the system's own folders is let in by itself.
  const extra = program && isAbsolute(program) && !isOfSystem(program) ? [program] : [];
  switch (isolation) {
    case 'bubblewrap':
      return {
        program: 'bwrap',
        args: [...bubblewrapArguments(room, extra), '--', inner.program, ...inner.args],
      };
    case 'unshare':
      return {
        program: 'setpriv',
        args: [
          ...[
            '--pdeathsig',
            'KILL',
            '--',
            'unshare',
            '--user',
            '--map-root-user',
            '--mount',
            '--pid',
            '--fork',
            '--kill-child=KILL',
            '--net',
            '--ipc',
          ],
          ...['--', '/bin/sh', '-euc', UNSHARE_SCRIPT, 'room'],
          ...[String(room.writes.length), ...room.writes],
          ...[String(room.reads.length + extra.length), ...room.reads, ...extra],
          ...[inner.program, ...inner.args],
        ],
      };
    case 'none':
      return inner.program === 'prlimit' ? killWithParent(inner) : inner;
  }
}

/** When this process is killed, what it started ends too. bubblewrap has an option of its own for it. */
const killWithParent = ({ program, args }: Command): Command => ({
  program: 'setpriv',
  args: ['--pdeathsig', 'KILL', '--', program, ...args],
});

function bubblewrapArguments(room: Sandbox, extra: readonly string[]): readonly string[] {
  const system = SYSTEM_PATHS.filter(path => existsSync(path)).flatMap(path =>
    lstatSync(path).isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path],
  );
  return [
    ...['--unshare-all', '--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
    ...system,
    ...['--dev', '/dev', '--tmpfs', '/tmp'],
    ...extra.flatMap(path => ['--ro-bind', realpathSync(path), path]),
    ...room.writes.flatMap(path => ['--bind', path, path]),
    ...room.reads.flatMap(path => ['--ro-bind', path, path]),
    ...['--chdir', '/', '--clearenv'],
    ...Object.entries(SANDBOX_ENVIRONMENT).flatMap(([name, value]) => ['--setenv', name, value]),
  ];
}

/**
 * The same room, built by hand inside new namespaces. Paths come as arguments and are never part of the script. It is
 * built over /sys, which holds no input; the old root is put away before anything of ours runs. The shell stays as the
 * first process, for which signals would mean something else.
 */
const UNSHARE_SCRIPT = `
room=/sys
mount -t tmpfs -o mode=0755,size=1m none "$room"
mkdir "$room/old" "$room/proc" "$room/dev" "$room/tmp"
show() { mount --rbind "$1" "$room$1"; mount -o remount,bind,ro "$room$1"; }
for path in ${SYSTEM_PATHS.join(' ')}; do
  if [ -L "$path" ]; then ln -s "$(readlink "$path")" "$room$path"
  elif [ -d "$path" ]; then mkdir -p "$room$path"; show "$path"
  elif [ -e "$path" ]; then mkdir -p "$room\${path%/*}"; : > "$room$path"; show "$path"
  fi
done
for path in /dev/null /dev/urandom; do : > "$room$path"; mount --bind "$path" "$room$path"; done
count=$1; shift
while [ "$count" -gt 0 ]; do
  mkdir -p "$room$1"; mount --bind "$1" "$room$1"; shift; count=$((count - 1))
done
count=$1; shift
while [ "$count" -gt 0 ]; do
  if [ ! -e "$room$1" ]; then mkdir -p "$room\${1%/*}"; : > "$room$1"; fi
  show "$1"; shift; count=$((count - 1))
done
mount -t proc none "$room/proc"
cd "$room"
pivot_root . old
umount -l /old
umount -l /proc
rmdir /old /proc
status=0
setpriv --no-new-privs --bounding-set=-all --inh-caps=-all -- "$@" || status=$?
exit "$status"
`;

const isOfSystem = (path: string): boolean => SYSTEM_PATHS.some(shown => path.startsWith(`${shown}/`));

/** The absolute path of a program on the PATH, since the room has a PATH of its own. */
export function resolveProgram(name: string, path: string = process.env.PATH ?? ''): string {
  if (name.includes('/')) return realpathSync(name);
  const found = path
    .split(delimiter)
    .map(directory => join(directory, name))
    .find(candidate => isAbsolute(candidate) && existsSync(candidate));
  return found ? join(realpathSync(dirname(found)), name) : name;
}
