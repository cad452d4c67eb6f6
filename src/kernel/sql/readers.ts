/**
 * Reads an SQLite database in threads, so that a long read does not stop everything else in the process. The database must be open
 * in this process (WAL): the threads see all that is committed, and cannot write.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { isPostgresUrl } from './postgres.ts';
import { READER_CODE, type ReaderData, type ReadRequest, type ReadResponse } from './reader-thread.ts';
import type { DatabaseLocation } from './sql.ts';
import { sqliteEngineName } from './sqlite.ts';

const MAX_THREADS = 4;
const MIN_THREADS = 2;
/** Of each thread, in addition to about 10 MB. */
const CACHE_KB = 16_384;
const MAX_HEAP_MB = 256;
const MAX_STATEMENTS = 200;
/** A read that takes longer fails, and its thread ends as soon as the engine returns. PostgreSQL has the same limit. */
const TIME_LIMIT_MS = 30_000;
const MAX_WAITING = 2_000;

export interface ReadersOptions {
  readonly threads?: number;
  readonly timeLimitMs?: number;
}

/**
 * Opens a second access to an open database, for reading only. On PostgreSQL, whose server has its own processes, this is `db`
 * itself, as for a database in memory.
 */
export function openReaders<Schema>(
  db: Kysely<Schema>,
  place: DatabaseLocation,
  options: ReadersOptions = {},
): { readonly reads: Kysely<Schema>; stop(): Promise<void> } {
  if (isPostgresUrl(place) || place === ':memory:') return { reads: db, stop: () => Promise.resolve() };
  const pool = new ReaderPool(place, options);
  const reads = new Kysely<Schema>({ dialect: readerDialect(pool) });
  return { reads, stop: () => pool.stop() };
}

interface Waiting {
  readonly request: Omit<ReadRequest, 'id'>;
  readonly resolve: (rows: readonly unknown[]) => void;
  readonly reject: (error: Error) => void;
}

interface Thread {
  readonly worker: Worker;
  /** The read in progress. */
  busy: (Waiting & { readonly id: number; readonly timer: NodeJS.Timeout }) | undefined;
}

class ReaderPool {
  readonly #place: string;
  readonly #max: number;
  readonly #timeLimitMs: number;
  readonly #threads = new Set<Thread>();
  readonly #waiting: Waiting[] = [];
  #ids = 0;
  /** Threads whose last read has not returned. */
  #abandoned = 0;
  #isStopped = false;

  constructor(place: string, { threads, timeLimitMs = TIME_LIMIT_MS }: ReadersOptions) {
    this.#place = place;
    this.#max = threads ?? Math.min(MAX_THREADS, Math.max(MIN_THREADS, availableParallelism()));
    this.#timeLimitMs = timeLimitMs;
  }

  read(text: string, parameters: readonly unknown[]): Promise<readonly unknown[]> {
    return new Promise((resolve, reject) => {
      if (this.#isStopped) return reject(new Error('The database is closed.'));
      if (this.#waiting.length >= MAX_WAITING)
        return reject(new Error('database is locked: too many reads wait'));
      this.#waiting.push({ request: { text, parameters }, resolve, reject });
      this.#assign();
    });
  }

  #assign(): void {
    while (this.#waiting.length > 0) {
      const free = [...this.#threads].find(({ busy }) => busy === undefined);
      const thread = free ?? (this.#mayStart() ? this.#start() : undefined);
      if (!thread) return;
      const next = this.#waiting.shift() as Waiting;
      const id = ++this.#ids;
      const timer = setTimeout(() => this.#abandon(thread), this.#timeLimitMs);
      timer.unref();
      thread.busy = { ...next, id, timer };
      thread.worker.postMessage({ id, ...next.request } satisfies ReadRequest);
    }
  }

  #mayStart(): boolean {
    return this.#threads.size < this.#max && this.#threads.size + this.#abandoned < 2 * this.#max;
  }

  /** Another thread takes its place. The engine cannot be interrupted. */
  #abandon(thread: Thread): void {
    this.#threads.delete(thread);
    this.#abandoned++;
    thread.worker.once('exit', () => {
      this.#abandoned--;
      this.#assign();
    });
    void thread.worker.terminate();
    this.#finish(thread, undefined);
  }

  #start(): Thread {
    const workerData: ReaderData = {
      engine: sqliteEngineName(),
      path: this.#place,
      cacheKb: CACHE_KB,
      maxStatements: MAX_STATEMENTS,
    };
    const worker = new Worker(READER_CODE, {
      eval: true,
      workerData,
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    });
    const thread: Thread = { worker, busy: undefined };
    this.#threads.add(thread);
    worker.unref();
    let failure: Error | undefined;
    worker.on('message', (response: ReadResponse) => this.#finish(thread, response));
    worker.on('error', error => {
      failure = error instanceof Error ? error : new Error(String(error));
    });
    worker.on('exit', () => {
      // The next read starts another thread.
      this.#threads.delete(thread);
      this.#finish(thread, undefined, failure);
    });
    return thread;
  }

  /** Without a response, the thread has ended: by an error, or because the read took too long. */
  #finish(thread: Thread, response: ReadResponse | undefined, failure?: Error): void {
    const { busy } = thread;
    if (busy) {
      clearTimeout(busy.timer);
      thread.busy = undefined;
      if (response === undefined) {
        busy.reject(
          this.#isStopped
            ? new Error('The database is closed.')
            : new Error('database is locked: the read took too long or its thread ended', { cause: failure }),
        );
      } else if ('error' in response) busy.reject(new Error(response.error));
      else busy.resolve(response.rows);
    }
    if (!this.#isStopped) this.#assign();
  }

  /** Waits for the reads in progress. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('The database is closed.'));
    await Promise.all(
      [...this.#threads].map(async ({ worker }) => {
        const ended = new Promise(resolve => worker.once('exit', resolve));
        worker.ref();
        worker.postMessage('close');
        await ended;
      }),
    );
  }
}

const readerDialect = (pool: ReaderPool): Dialect => ({
  createAdapter: () => new SqliteAdapter(),
  createIntrospector: db => new SqliteIntrospector(db),
  createQueryCompiler: () => new SqliteQueryCompiler(),
  createDriver: () => new ReaderDriver(pool),
});

const refuse = (): Promise<never> => Promise.reject(new Error('These connections only read.'));

class ReaderDriver implements Driver, DatabaseConnection {
  readonly #pool: ReaderPool;
  constructor(pool: ReaderPool) {
    this.#pool = pool;
  }
  async init(): Promise<void> {}
  acquireConnection(): Promise<DatabaseConnection> {
    return Promise.resolve(this);
  }
  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    return { rows: (await this.#pool.read(sql, parameters)) as Row[] };
  }
  // biome-ignore lint/correctness/useYield: it always throws
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    await refuse();
  }
  beginTransaction = refuse;
  commitTransaction = refuse;
  rollbackTransaction = refuse;
  async releaseConnection(): Promise<void> {}
  destroy(): Promise<void> {
    return this.#pool.stop();
  }
}
