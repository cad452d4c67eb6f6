#!/usr/bin/env node
// Sets up what is missing, then runs the command. Plain JavaScript: it must run before anything is installed or built.
import { setUp } from '../scripts/set-up.mjs';

await setUp();
await import('../dist/tributary.js');
