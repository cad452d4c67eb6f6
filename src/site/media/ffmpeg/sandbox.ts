/**
 * A sandbox for one process: it sees the programs of the system, the files it is given and the directories it may write to. It has
 * no network, sees no other process and has no privileges. bubblewrap or `unshare` builds it, if the host permits one of them;
 * if neither works, only the other defences remain, and the studio says so.
 */
import { execFile } from 'node:child_process';
import { existsSync, lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { promisify } from 'node:util';

export type Isolation = 'bubblewrap' | 'unshare' | 'none';

export interface Confinement {
  readonly isolation: Isolation;
  /** Memory, CPU time and file size are limited (`prlimit`). */
  readonly hasLimits: boolean;
  /** bubblewrap can forbid further user namespaces, in which the kernel exposes more of itself (0.8.0 and later). */
  readonly forbidsNamespaces?: boolean;
}

/** All paths have the same name inside as outside. */
interface Sandbox {
  /** Files and directories to read. */
  readonly reads: readonly string[];
  /** Directories to write to. */
  readonly writes: readonly string[];
}

export interface ProcessLimits {
  /** Address space. */
  readonly memoryBytes: number;
  readonly cpuSeconds: number;
  /** Size of any one file that is written. */
  readonly fileBytes: number;
}

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

/** The part of a confinement that the site reports to central and on its pages. */
export const describeConfinement = ({ isolation, hasLimits }: Confinement) => ({ isolation, hasLimits });

const TRIAL_LIMIT_MS = 10_000;
const OPEN_FILES = 256;
/** Between the soft and the hard limit, ffmpeg can still report why it ends. */
const CPU_GRACE_SECONDS = 5;
/** Programs and their libraries need these. None of them holds anybody's data. */
const SYSTEM_PATHS = [
  ...['/usr/bin', '/usr/sbin', '/usr/lib', '/usr/lib32', '/usr/lib64', '/usr/local/bin', '/usr/local/lib'],
  ...['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/etc/alternatives', '/etc/ld.so.cache'],
];
/** Without MALLOC_ARENA_MAX, every thread may reserve 64 MB of addresses for its heap. */
export const SANDBOX_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
  MALLOC_ARENA_MAX: '4',
  LC_ALL: 'C.UTF-8',
};

/**
 * Tries the isolations from the strongest to the weakest and returns the first that works on this host.
 *
 * @param only tries no other one
 */
export async function findConfinement(only?: Isolation): Promise<Confinement> {
  const hasLimits = await succeeds(killWithParent({ program: 'prlimit', args: ['--core=0', '--', 'true'] }));
  const candidates: readonly Omit<Confinement, 'hasLimits'>[] = [
    { isolation: 'bubblewrap', forbidsNamespaces: true },
    { isolation: 'bubblewrap' },
    { isolation: 'unshare' },
  ];
  for (const candidate of candidates) {
    if (only !== undefined && only !== candidate.isolation) continue;
    if (await succeeds(sandboxCommand(candidate, { reads: [], writes: [] }, { program: 'true', args: [] }))) {
      return { ...candidate, hasLimits };
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

/** The command that runs `inner` in a sandbox with limits. */
export function confine(
  { hasLimits, ...isolation }: Confinement,
  sandbox: Sandbox,
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
  return sandboxCommand(isolation, sandbox, limited, inner.program);
}

function sandboxCommand(
  { isolation, forbidsNamespaces = false }: Omit<Confinement, 'hasLimits'>,
  sandbox: Sandbox,
  inner: Command,
  program?: string,
): Command {
  // A program outside the system's directories is made visible by itself.
  const extra = program && isAbsolute(program) && !isInSystemPath(program) ? [program] : [];
  switch (isolation) {
    case 'bubblewrap':
      return {
        program: 'bwrap',
        args: [
          ...(forbidsNamespaces ? ['--unshare-user', '--disable-userns'] : []),
          ...bubblewrapArgs(sandbox, extra),
          ...['--', inner.program, ...inner.args],
        ],
      };
    case 'unshare':
      return killWithParent({
        program: 'unshare',
        args: [
          ...['--user', '--map-root-user', '--mount', '--pid', '--fork', '--kill-child=KILL'],
          ...['--net', '--ipc', '--', '/bin/sh', '-euc', UNSHARE_SCRIPT, 'sandbox'],
          ...[String(sandbox.writes.length), ...sandbox.writes],
          ...[String(sandbox.reads.length + extra.length), ...sandbox.reads, ...extra],
          ...[inner.program, ...inner.args],
        ],
      });
    case 'none':
      return inner.program === 'prlimit' ? killWithParent(inner) : inner;
  }
}

/** The command ends when this process is killed. bubblewrap has its own option for that. */
const killWithParent = ({ program, args }: Command): Command => ({
  program: 'setpriv',
  args: ['--pdeathsig', 'KILL', '--', program, ...args],
});

function bubblewrapArgs(sandbox: Sandbox, extra: readonly string[]): readonly string[] {
  const system = SYSTEM_PATHS.filter(path => existsSync(path)).flatMap(path =>
    lstatSync(path).isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path],
  );
  return [
    ...['--unshare-all', '--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
    ...system,
    ...['--dev', '/dev', '--tmpfs', '/tmp'],
    ...extra.flatMap(path => ['--ro-bind', realpathSync(path), path]),
    ...sandbox.writes.flatMap(path => ['--bind', path, path]),
    ...sandbox.reads.flatMap(path => ['--ro-bind', path, path]),
    ...['--chdir', '/', '--clearenv'],
    ...Object.entries(SANDBOX_ENVIRONMENT).flatMap(([name, value]) => ['--setenv', name, value]),
  ];
}

/**
 * Builds the same sandbox by hand inside new namespaces. Paths are passed as arguments and are never part of the script. The root
 * is built on /sys, which contains no input, and the old root is unmounted before the program starts. The shell remains the first
 * process of the namespace, because signals have a different meaning for that one.
 */
const UNSHARE_SCRIPT = `
root=/sys
mount -t tmpfs -o mode=0755,size=1m none "$root"
mkdir "$root/old" "$root/proc" "$root/dev" "$root/tmp"
show() { mount --rbind "$1" "$root$1"; mount -o remount,bind,ro "$root$1"; }
for path in ${SYSTEM_PATHS.join(' ')}; do
  if [ -L "$path" ]; then ln -s "$(readlink "$path")" "$root$path"
  elif [ -d "$path" ]; then mkdir -p "$root$path"; show "$path"
  elif [ -e "$path" ]; then mkdir -p "$root\${path%/*}"; : > "$root$path"; show "$path"
  fi
done
for path in /dev/null /dev/urandom; do : > "$root$path"; mount --bind "$path" "$root$path"; done
count=$1; shift
while [ "$count" -gt 0 ]; do
  mkdir -p "$root$1"; mount --bind "$1" "$root$1"; shift; count=$((count - 1))
done
count=$1; shift
while [ "$count" -gt 0 ]; do
  if [ -d "$1" ]; then mkdir -p "$root$1"
  elif [ ! -e "$root$1" ]; then mkdir -p "$root\${1%/*}"; : > "$root$1"
  fi
  show "$1"; shift; count=$((count - 1))
done
mount -t proc none "$root/proc"
echo 0 > "$root/proc/sys/user/max_user_namespaces"
cd "$root"
pivot_root . old
umount -l /old
umount -l /proc
rmdir /old /proc
status=0
setpriv --no-new-privs --bounding-set=-all --inh-caps=-all -- "$@" || status=$?
exit "$status"
`;

const isInSystemPath = (path: string): boolean => SYSTEM_PATHS.some(shown => path.startsWith(`${shown}/`));
