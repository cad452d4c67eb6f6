/**
 * A disk with one database: a real SQLite in memory, which outlives the processes that use it. A crash rolls back
 * everything uncommitted. A backup is a copy of all rows, and can be restored.
 */
import { createRequire } from 'node:module';
import {
  type CompiledQuery,
  type DatabaseConnection,
  Kysely,
  type Migration,
  Migrator,
  type QueryResult,
  SqliteAdapter,
  SqliteDialect,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { Process } from './process.ts';

interface Statement {
  all(...parameters: unknown[]): unknown[];
  run(...parameters: unknown[]): { changes: number | bigint };
}
interface Engine {
  exec(text: string): void;
  prepare(text: string): Statement;
  close(): void;
}

const [major = 0] = process.versions.node.split('.').map(Number);
const { DatabaseSync } = createRequire(import.meta.url)(
  major >= 22 ? 'node:sqlite' : '@photostructure/sqlite',
) as { DatabaseSync: new (path: string) => Engine };

const READS = /^\s*(select|with|pragma)\b|\breturning\b/i;

/** The schema of an empty database as text: running the migrations for each seed would take most of the time. */
export interface Template {
  readonly script: string;
  readonly tables: readonly string[];
  /** The indexes of full text. A backup does not contain them. */
  readonly textIndexes: readonly string[];
  readonly triggers: readonly { readonly name: string; readonly sql: string }[];
}

export async function makeTemplate(migrations: Readonly<Record<string, Migration>>): Promise<Template> {
  const engine = new DatabaseSync(':memory:');
  const prepare = (text: string) => {
    const statement = engine.prepare(text);
    return {
      reader: READS.test(text),
      all: (parameters: readonly unknown[]) => statement.all(...parameters),
      run: (parameters: readonly unknown[]) => statement.run(...parameters) as never,
      iterate: () => [][Symbol.iterator]() as never,
    };
  };
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: { close() {}, prepare } }) });
  const { error } = await new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
  }).migrateToLatest();
  if (error) throw error;
  const schema = engine
    .prepare(
      `select type, name, sql from sqlite_master where sql is not null and name not like 'kysely_%'
       and name not like 'sqlite_%' and name not in (select name from pragma_table_list where type = 'shadow')
       order by type = 'index'`,
    )
    .all() as { type: string; name: string; sql: string }[];
  const isTextIndex = ({ sql }: { readonly sql: string }) => /^create virtual/i.test(sql);
  const tables = schema.filter(one => one.type === 'table' && !isTextIndex(one)).map(({ name }) => name);
  const triggers = schema.filter(({ type }) => type === 'trigger');
  const script = schema.filter(({ type }) => type !== 'trigger').map(({ sql }) => sql);
  const rows = tables.flatMap(name =>
    (engine.prepare(`select * from ${name}`).all() as Record<string, unknown>[]).map(
      row =>
        `insert into ${name} (${Object.keys(row).join()}) values (${Object.values(row).map(quote).join()})`,
    ),
  );
  engine.close();
  return {
    // The rows are there already, so the triggers must not see them.
    script: [...script, ...rows, ...triggers.map(({ sql }) => sql)].join(';\n'),
    tables,
    textIndexes: schema.filter(isTextIndex).map(({ name }) => name),
    triggers,
  };
}

const quote = (value: unknown): string =>
  value === null ? 'null' : typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value);

export type Backup = ReadonlyMap<string, readonly Readonly<Record<string, unknown>>[]>;

export class Disk {
  readonly #template: Template;
  readonly #engine: Engine;
  readonly #statements = new Map<string, Statement>();
  /** The process that uses the database; a transaction holds it from its beginning to its end. */
  #holder: Process | undefined;
  #inTransaction = false;
  readonly #waiting: { readonly process: Process; readonly enter: () => void }[] = [];
  /** True if something was committed since the last check. */
  isChanged = true;

  constructor(template: Template) {
    this.#template = template;
    this.#engine = new DatabaseSync(':memory:');
    this.#engine.exec(template.script);
  }

  /** Opens the database for a process. */
  open<Schema>(process: Process): Kysely<Schema> {
    process.onCrash(() => this.#leave(process));
    return new Kysely<Schema>({
      dialect: {
        createAdapter: () => new SqliteAdapter(),
        createIntrospector: db => new SqliteIntrospector(db),
        createQueryCompiler: () => new SqliteQueryCompiler(),
        createDriver: () => this.#driver(process),
      },
    });
  }

  /** Reads committed rows from outside. It must not run during a transaction. */
  read<Row>(text: string, ...parameters: unknown[]): Row[] {
    return this.#prepare(text).all(...parameters) as Row[];
  }

  get isBusy(): boolean {
    return this.#inTransaction;
  }

  exec(text: string): void {
    this.#statements.clear();
    this.#engine.exec(text);
  }

  back(): Backup {
    return new Map(
      this.#template.tables.map(table => [
        table,
        this.read<Record<string, unknown>>(`select * from ${table}`),
      ]),
    );
  }

  /** Restores a backup. No process may be using the database. */
  restore(backup: Backup): void {
    this.isChanged = true;
    const { tables, textIndexes, triggers } = this.#template;
    for (const { name } of triggers) this.#engine.exec(`drop trigger ${name}`);
    for (const table of [...tables, ...textIndexes].reverse()) this.#engine.exec(`delete from ${table}`);
    for (const [table, rows] of backup) {
      for (const row of rows) {
        const columns = Object.keys(row);
        this.#prepare(
          `insert into ${table} (${columns.join()}) values (${columns.map(() => '?').join()})`,
        ).run(...Object.values(row));
      }
    }
    for (const { sql } of triggers) this.#engine.exec(sql);
    this.#statements.clear();
  }

  close(): void {
    this.#engine.close();
  }

  #prepare(text: string): Statement {
    let statement = this.#statements.get(text);
    if (!statement) {
      statement = this.#engine.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  async #enter(process: Process): Promise<void> {
    await process.pause();
    if (this.#holder) await new Promise<void>(enter => this.#waiting.push({ process, enter }));
    else this.#holder = process;
    // The process may have crashed at the moment when it got the database.
    if (!process.isAlive) await new Promise(() => {});
  }

  #leave(process: Process): void {
    if (this.#holder !== process) return;
    if (this.#inTransaction) this.#engine.exec('rollback');
    this.#inTransaction = false;
    this.#holder = undefined;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      if (!next.process.isAlive) continue;
      // The waiting process gets the database here, so that no other process gets it first.
      this.#holder = next.process;
      next.enter();
      return;
    }
  }

  #driver(process: Process) {
    const connection: DatabaseConnection = {
      executeQuery: <Row>(query: CompiledQuery): Promise<QueryResult<Row>> =>
        this.#execute(process, query.sql, query.parameters),
      // biome-ignore lint/correctness/useYield: nothing is streamed
      async *streamQuery() {
        throw new Error('not simulated');
      },
    };
    const bare = (text: string) => async (): Promise<void> => {
      await this.#execute(process, text, []);
    };
    return {
      async init() {},
      acquireConnection: async () => {
        await this.#enter(process);
        return connection;
      },
      beginTransaction: bare('begin immediate'),
      commitTransaction: bare('commit'),
      rollbackTransaction: bare('rollback'),
      releaseConnection: async () => this.#leave(process),
      async destroy() {},
    };
  }

  async #execute<Row>(
    process: Process,
    text: string,
    parameters: readonly unknown[],
  ): Promise<QueryResult<Row>> {
    await process.pause();
    const statement = this.#prepare(text);
    let result: QueryResult<Row>;
    if (READS.test(text)) result = { rows: statement.all(...parameters) as Row[] };
    else result = { rows: [], numAffectedRows: BigInt(statement.run(...parameters).changes) };
    if (text === 'begin immediate') this.#inTransaction = true;
    else if (text === 'commit' || text === 'rollback') this.#inTransaction = false;
    if (!this.#inTransaction && !text.startsWith('select')) this.isChanged = true;
    // The change is on the disk, and its process may crash before it knows that.
    await process.pause();
    return result;
  }
}
