/** Every fourth failpoint; all of them with `TRIBUTARY_KILL_MATRIX=all`, which takes a quarter of an hour. */
import { makeDatabase, type TestDatabase } from '../../support/postgres/databases.ts';
import { describeKillMatrix } from './kill-matrix.ts';

const databases: TestDatabase[] = [];

describeKillMatrix('PostgreSQL', {
  settings: async () => ({
    async newDatabase() {
      const database = await makeDatabase('postgres');
      databases.push(database);
      return database.place;
    },
  }),
  async stop() {
    for (const database of databases) await database.drop();
  },
  every: process.env.TRIBUTARY_KILL_MATRIX === 'all' ? 1 : 4,
});
