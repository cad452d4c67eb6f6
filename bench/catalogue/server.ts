/** Central as a process that a benchmark measures: the arguments are the data directory and, for PostgreSQL, the URL of the database. */

import { startCentral } from '../../src/central/central.ts';
import { centralConfigSchema } from '../../src/central/config.ts';

const [dataDirectory, database] = process.argv.slice(2);
const { url } = await startCentral(
  centralConfigSchema.parse({
    listen: '127.0.0.1:0',
    dataDirectory,
    operatorToken: 'a-token-of-the-benchmark-with-enough-characters',
    logLevel: 'error',
    ...(database ? { database } : {}),
  }),
);
console.log(url);
