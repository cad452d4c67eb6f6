/**
 * A wide-area network in user space, for a kernel without netem: every host is a network namespace with one TUN device; what
 * it sends arrives here as datagrams, waits as long as the path between the two hosts requires, and is forwarded. Delay, rate and loss
 * are set for each pair of hosts, and changed while it runs. Needs root, `ip` (iproute2) and `socat`, on Linux.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Path {
  /** Delay in one direction, milliseconds. */
  readonly delayMs: number;
  readonly mbit: number;
  /** 0–1 */
  readonly loss?: number;
}

/** The reason why this machine cannot run such a network; undefined if it can. */
export function missingForWan(): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun';
  for (const program of ['ip', 'socat']) {
    if (spawnSync('which', [program]).status !== 0)
      return `${program} is missing: apt-get install iproute2 socat`;
  }
  const name = `trib-try-${process.pid}`;
  const made = spawnSync('ip', ['netns', 'add', name]).status === 0;
  spawnSync('ip', ['netns', 'del', name]);
  return made ? undefined : 'no network namespace can be made here';
}

export interface Host {
  readonly name: string;
  readonly address: string;
  /** Arguments that run a program inside the host: `ip netns exec …`; empty for this machine itself. */
  readonly inside: readonly string[];
}

export interface Wan {
  readonly hosts: ReadonlyMap<string, Host>;
  /** Sets both directions. */
  set(a: string, b: string, path: Path): void;
  stop(): Promise<void>;
}

const BEST: Path = { delayMs: 1, mbit: 200 };
/** A router drops packets that would wait for longer. */
const LONGEST_QUEUE_MS = 150;
const MTU = 1_400;
/** IPv4 header, RFC 791: source at 12, destination at 16. */
const SOURCE_AT = 12;
const DESTINATION_AT = 16;

/** The first name is this machine itself; the others are namespaces. */
export async function startWan(names: readonly string[]): Promise<Wan> {
  const tag = (process.pid % 9_000) + 1_000;
  const net = `10.${200 + (process.pid % 50)}.${(process.pid >> 6) % 250}`;
  const socket = createSocket('udp4');
  socket.unref();
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));
  const hub = socket.address().port;
  const hosts = new Map<string, Host>();
  const programs: ChildProcess[] = [];
  const namespaces: string[] = [];
  /** The hosts and the destinations of their datagrams, by the last number of the address. */
  const ports = new Map<number, { readonly name: string; readonly port: number }>();

  const stop = async (): Promise<void> => {
    for (const program of programs) program.kill('SIGKILL');
    for (const namespace of namespaces) spawnSync('ip', ['netns', 'del', namespace]);
    socket.close();
  };
  try {
    for (const [index, name] of names.entries()) {
      const device = `tw${tag}x${index}`;
      const address = `${net}.${index + 1}`;
      const port = await findPort();
      programs.push(
        spawn(
          'socat',
          [
            `TUN,tun-name=${device},tun-type=tun,iff-no-pi`,
            `UDP4-DATAGRAM:127.0.0.1:${hub},bind=127.0.0.1:${port},rcvbuf=4000000`,
          ],
          { stdio: 'ignore' },
        ),
      );
      await untilThere(device);
      const namespace = index === 0 ? undefined : `trib${tag}-${name}`;
      if (namespace) {
        ip('netns', 'add', namespace);
        namespaces.push(namespace);
        ip('link', 'set', device, 'netns', namespace);
      }
      const at = namespace ? ['-n', namespace] : [];
      ip(...at, 'address', 'add', `${address}/24`, 'dev', device);
      ip(...at, 'link', 'set', device, 'mtu', String(MTU), 'up');
      if (namespace) ip(...at, 'link', 'set', 'lo', 'up');
      ports.set(index + 1, { name, port });
      hosts.set(name, { name, address, inside: namespace ? ['ip', 'netns', 'exec', namespace] : [] });
    }
  } catch (error) {
    await stop();
    throw error;
  }

  const paths = new Map<string, Path>();
  const links = new Map<string, Link>();
  socket.on('message', packet => {
    if (packet.length < 20 || packet[0]! >> 4 !== 4) return;
    const from = ports.get(packet[SOURCE_AT + 3]!);
    const to = ports.get(packet[DESTINATION_AT + 3]!);
    if (!from || !to) return;
    const key = `${from.name} ${to.name}`;
    const link = links.get(key) ?? createLink(socket, to.port);
    links.set(key, link);
    link.send(packet, paths.get(key) ?? BEST);
  });

  return {
    hosts,
    set(a, b, path) {
      paths.set(`${a} ${b}`, path);
      paths.set(`${b} ${a}`, path);
    },
    stop,
  };
}

interface Link {
  send(packet: Buffer, path: Path): void;
}

/** One direction: a queue that empties at the rate of the path, followed by its delay. Packets never overtake each other. */
function createLink(socket: Socket, port: number): Link {
  const waiting: { readonly packet: Buffer; readonly atMs: number }[] = [];
  let freeAtMs = 0;
  let lastMs = 0;
  let isWaiting = false;
  const wait = (ms: number): void => {
    if (isWaiting) return;
    isWaiting = true;
    setTimeout(deliver, Math.max(1, ms));
  };
  let isOpen = true;
  socket.once('close', () => {
    isOpen = false;
  });
  const deliver = (): void => {
    isWaiting = false;
    // Packets in transit are dropped when the network is taken down.
    if (!isOpen) return;
    const nowMs = performance.now();
    while (waiting[0] && waiting[0].atMs <= nowMs) {
      socket.send((waiting.shift() as { packet: Buffer }).packet, port, '127.0.0.1');
    }
    const [next] = waiting;
    if (next) wait(next.atMs - nowMs);
  };
  return {
    send(packet, { delayMs, mbit, loss = 0 }) {
      const nowMs = performance.now();
      const startMs = Math.max(nowMs, freeAtMs);
      if (startMs - nowMs > LONGEST_QUEUE_MS || Math.random() < loss) return;
      freeAtMs = startMs + (packet.length * 8) / (mbit * 1_000);
      lastMs = Math.max(lastMs, freeAtMs + delayMs);
      waiting.push({ packet, atMs: lastMs });
      wait(lastMs - nowMs);
    },
  };
}

function ip(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`);
}

async function untilThere(device: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (existsSync(`/sys/class/net/${device}`)) return;
    await sleep(25);
  }
  throw new Error(`socat did not make the device ${device}`);
}

async function findPort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise<void>(resolve => socket.close(resolve));
  return port;
}
