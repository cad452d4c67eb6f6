/**
 * The code of a thread that reads an SQLite database. It is passed to the thread as text, so that it needs no file next to the bundle.
 * Therefore it uses nothing from outside the function.
 */

export interface ReadRequest {
  readonly id: number;
  readonly text: string;
  readonly parameters: readonly unknown[];
}
export type ReadResponse =
  | { readonly id: number; readonly rows: readonly unknown[] }
  | { readonly id: number; readonly error: string };

export interface ReaderData {
  /** The module of the engine. */
  readonly engine: string;
  readonly path: string;
  readonly cacheKb: number;
  readonly maxStatements: number;
}

function readStatements(): void {
  interface Statement {
    all(...parameters: readonly unknown[]): unknown[];
  }
  interface Database {
    exec(text: string): void;
    prepare(text: string): Statement;
    close(): void;
  }
  const { parentPort, workerData } = process.getBuiltinModule('node:worker_threads');
  // A bundler would replace `require`.
  const load = process.getBuiltinModule('node:module').createRequire(process.execPath);
  const { engine, path, cacheKb, maxStatements } = workerData as ReaderData;
  const { DatabaseSync } = load(engine) as {
    readonly DatabaseSync: new (path: string, options: { readonly readOnly: boolean }) => Database;
  };
  const database = new DatabaseSync(path, { readOnly: true });
  database.exec('PRAGMA busy_timeout = 5000');
  database.exec(`PRAGMA cache_size = -${cacheKb}`);
  const statements = new Map<string, Statement>();
  const prepare = (text: string): Statement => {
    const known = statements.get(text);
    if (known) return known;
    const [oldest] = statements.keys();
    if (statements.size >= maxStatements && oldest !== undefined) statements.delete(oldest);
    const statement = database.prepare(text);
    statements.set(text, statement);
    return statement;
  };
  parentPort?.on('message', (request: ReadRequest | 'close') => {
    if (request === 'close') {
      statements.clear();
      database.close();
      parentPort?.close();
      return;
    }
    const { id, text, parameters } = request;
    try {
      parentPort?.postMessage({ id, rows: prepare(text).all(...parameters) });
    } catch (error) {
      parentPort?.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
    }
  });
}

export const READER_CODE = `(${readStatements.toString()})()`;
