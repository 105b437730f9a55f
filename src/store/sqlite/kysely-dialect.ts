import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { Kysely, SqliteDialect } from 'kysely';
import type { SqliteDatabase, SqliteStatement } from 'kysely';
import type { Db } from '../sql/database.ts';
import type { Tables } from '../sql/tables.ts';

/** The store has some fifty statements. Statements over rows of values exist in seven lengths. */
const KEPT_STATEMENTS = 300;

function asStatement(statement: StatementSync): SqliteStatement {
  // Kysely passes the store's parameters on, and the store uses only text, numbers and null.
  const values = (parameters: readonly unknown[]) => parameters as readonly SQLInputValue[];
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...values(parameters)),
    run: (parameters) => statement.run(...values(parameters)),
    iterate: (parameters) => statement.iterate(...values(parameters)),
  };
}

/** Adapts Node's own SQLite to Kysely's SQLite dialect. The statements used last stay prepared. */
function asSqliteDatabase(database: DatabaseSync): SqliteDatabase {
  const prepared = new Map<string, SqliteStatement>();
  return {
    close: () => database.close(),
    prepare(sql) {
      const statement = prepared.get(sql) ?? asStatement(database.prepare(sql));
      // A map keeps the order of insertion, so this moves the statement to the end.
      prepared.delete(sql);
      prepared.set(sql, statement);
      const [oldest] = prepared.keys();
      if (oldest !== undefined && prepared.size > KEPT_STATEMENTS) prepared.delete(oldest);
      return statement;
    },
  };
}

/** Creates a Kysely over Node's own SQLite. It begins and ends no transactions. */
export function createKysely(database: DatabaseSync): Db {
  return new Kysely<Tables>({ dialect: new SqliteDialect({ database: asSqliteDatabase(database) }) });
}
