import { describeKillMatrix } from './kill-matrix.ts';

describeKillMatrix('SQLite', { settings: async () => ({}), stop: async () => {}, every: 1 });
