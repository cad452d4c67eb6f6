// npm run players: plays from failing sites in a real browser, and writes the table of docs/playback.md.
import { run, setUp } from './set-up.mjs';

await setUp();
run('npx', [
  'vitest',
  'run',
  '--root',
  '.',
  '--config',
  'vitest.players.config.ts',
  ...process.argv.slice(2),
]);
