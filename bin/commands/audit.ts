import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { verifyAuditLog } from '../../src/central/audit/verify-command.ts';
import { centralConfigSchema } from '../../src/central/config.ts';
import { readConfig } from '../../src/kernel/config/config.ts';
import { ConfigError } from '../../src/kernel/config/config-error.ts';
import type { Command } from './command.ts';

/** Verifies the audit log of central, also while central runs. The exit code is 1 if it has a fault. */
export const run: Command = async ({
  config: path,
  operands: [what],
  options: { export: exported },
  flags,
}) => {
  if (what !== 'verify') throw new ConfigError('Write what to do: tributary audit verify');
  const { config } = readConfig(path, 'central', centralConfigSchema);
  if (!existsSync(join(config.dataDirectory, 'central.key'))) {
    throw new ConfigError(
      `There is no central.key in ${config.dataDirectory}. Verify the log on a machine of central, as its user.`,
    );
  }
  const verdict = await verifyAuditLog(config, exported);
  if (flags.has('json')) console.log(JSON.stringify(verdict));
  else if (!verdict.ok) console.error(`FAULT at entry ${verdict.seq}: ${verdict.fault}`);
  else if (verdict.entries === 0) console.log('OK, no entries');
  else {
    const removed = verdict.removed > 0 ? `; the retention removed those up to ${verdict.removed}` : '';
    console.log(`OK, ${verdict.entries} entries from ${verdict.from} to ${verdict.until}${removed}`);
  }
  return verdict.ok ? 0 : 1;
};
