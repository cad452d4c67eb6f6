/**
 * An open-loop load: requests one address at a given mean rate, at random moments that are the same in every run and do not
 * depend on the server. A response time starts when the request was due, even if no connection was free then. A closed-loop
 * load such as wrk sends no requests while the server stalls, and so hides the stall. Prints one JSON object.
 *
 *     steady-load URL RATE SECONDS CONNECTIONS
 */
import { connect, type OnReadOpts } from 'node:net';
import { createHistogram } from 'node:perf_hooks';
import { connect as connectTls } from 'node:tls';

const [url = '', rate = '', seconds = '', connections = ''] = process.argv.slice(2);
const { hostname, port, protocol, pathname } = new URL(url);
const perSecond = Number(rate);
const READ_BYTES = 256 * 1_024;
const SEED = 0x9e3779b9;
const LATE_MS = 30_000;

const request = `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`;
const times = createHistogram();

/** Random numbers from 0 to 1 (mulberry32), with the same sequence in every run. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
const random = createRandom(SEED);
/** The time between two requests of many independent viewers (exponentially distributed). */
const gapMs = (): number => (-Math.log(1 - random()) * 1_000) / perSecond;

interface Connection {
  send(dueMs: number): void;
}
const free: Connection[] = [];
const waiting: number[] = [];
let completed = 0;
let bytes = 0;

function fail(reason: string): never {
  console.error(`${url}: ${reason}`);
  process.exit(1);
}

function open(): Promise<void> {
  return new Promise(ready => {
    let dueMs = 0;
    /** Bytes of the response that have not arrived; -1 before its head. */
    let left = -1;
    const onread: OnReadOpts = {
      buffer: Buffer.allocUnsafe(READ_BYTES),
      callback(count, buffer) {
        if (left === -1) {
          const head = Buffer.from(buffer.buffer, buffer.byteOffset, Math.min(count, 2_048)).toString(
            'latin1',
          );
          const end = head.indexOf('\r\n\r\n');
          const length = /^content-length: *(\d+)/im.exec(head.slice(0, end))?.[1];
          if (end === -1 || length === undefined || !head.startsWith('HTTP/1.1 200'))
            fail(`unexpected response: ${head.slice(0, 200)}`);
          left = end + 4 + Number(length);
          bytes += Number(length);
        }
        left -= count;
        if (left > 0) return true;
        left = -1;
        completed++;
        times.record(Math.max(1, Math.round((performance.now() - dueMs) * 1_000)));
        const next = waiting.shift();
        if (next === undefined) free.push(connection);
        else connection.send(next);
        return true;
      },
    };
    const at = { host: hostname, port: Number(port), onread };
    const socket = protocol === 'https:' ? connectTls({ ...at, rejectUnauthorized: false }) : connect(at);
    socket.setNoDelay(true);
    const connection: Connection = {
      send(due) {
        dueMs = due;
        socket.write(request);
      },
    };
    socket.once(protocol === 'https:' ? 'secureConnect' : 'connect', () => {
      free.push(connection);
      ready();
    });
    socket.on('error', error => fail(error.message));
    socket.on('close', () => fail('the server closed a connection'));
  });
}

await Promise.all(Array.from({ length: Number(connections) }, open));
const startedMs = performance.now();
const endMs = startedMs + Number(seconds) * 1_000;
const cpu = process.cpuUsage();
let sent = 0;
let nextMs = startedMs + gapMs();
const sendDue = (): void => {
  const nowMs = performance.now();
  for (; nextMs <= nowMs && nextMs < endMs; nextMs += gapMs()) {
    sent++;
    const connection = free.shift();
    if (connection) connection.send(nextMs);
    else waiting.push(nextMs);
  }
  if (nextMs < endMs || completed < sent) {
    if (nowMs > endMs + LATE_MS) fail('responses are missing');
    setImmediate(sendDue);
    return;
  }
  const elapsedS = (performance.now() - startedMs) / 1_000;
  const ms = (percentile: number): number => times.percentile(percentile) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  console.log(
    JSON.stringify({
      sent,
      completed,
      seconds: elapsedS,
      bytes,
      p50Ms: ms(50),
      p90Ms: ms(90),
      p99Ms: ms(99),
      p999Ms: ms(99.9),
      maxMs: times.max / 1_000,
      loadCpuUs: user + system,
    }),
  );
  process.exit(0);
};
sendDue();
