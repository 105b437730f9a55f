import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { SqliteAdapter, SqliteDialect } from 'kysely';
import type { SqliteDatabase, SqliteStatement } from 'kysely';

/** The store has some forty statements; those with lists of values vary in length. */
const KEPT_STATEMENTS = 200;

function asStatement(statement: StatementSync): SqliteStatement {
  // Kysely passes on what the store gives it, and the store gives only text, numbers and null.
  const values = (parameters: readonly unknown[]) => parameters as readonly SQLInputValue[];
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...values(parameters)),
    run: (parameters) => statement.run(...values(parameters)),
    iterate: (parameters) => statement.iterate(...values(parameters)),
  };
}

const NOTHING: SqliteStatement = {
  reader: false,
  all: () => [],
  run: () => ({ changes: 0, lastInsertRowid: 0 }),
  iterate: () => [][Symbol.iterator](),
};

/** Node's own SQLite as Kysely's SQLite dialect wants it, with the latest statements kept prepared. */
function asSqliteDatabase(database: DatabaseSync): SqliteDatabase {
  const prepared = new Map<string, SqliteStatement>();
  return {
    close: () => database.close(),
    prepare(sql) {
      // A full disk, among others, has ended the transaction already: a refused `rollback` would hide the cause.
      if (sql === 'rollback' && !database.isTransaction) return NOTHING;
      const statement = prepared.get(sql) ?? asStatement(database.prepare(sql));
      // The latest used stand last.
      prepared.delete(sql);
      prepared.set(sql, statement);
      const [oldest] = prepared.keys();
      if (oldest !== undefined && prepared.size > KEPT_STATEMENTS) prepared.delete(oldest);
      return statement;
    },
  };
}

/** SQLite takes changes of the schema back with all else: migrations are done together or, whatever stops them, not at all. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/** Kysely's SQLite over Node's own. */
export class NodeSqliteDialect extends SqliteDialect {
  constructor(database: DatabaseSync) {
    super({ database: asSqliteDatabase(database) });
  }

  override createAdapter(): SqliteAdapter {
    return new TransactionalAdapter();
  }
}
