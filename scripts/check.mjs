// npm run check: types, lint and format. Changes nothing.
import { run, setUp } from './set-up.mjs';

await setUp();
run('npx', ['tsc', '-p', '.']);
run('npx', ['tsc', '-p', 'src/ui']);
run('npx', ['biome', 'ci', '--error-on-warnings', '.']);
