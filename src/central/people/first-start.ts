/** What a start of central does for people: the link of the first administrator, and the people of the demo. */
import { ConfigError } from '../../kernel/config/config-error.ts';
import type { CentralConfig } from '../config.ts';
import { insertPerson } from '../database/people/people.ts';
import type { CentralDatabase } from '../database/schema.ts';
import { makeAdministratorLink } from './links.ts';

/**
 * Everyone who reaches central signs in as the people of the demo, so only programs on this machine may reach it.
 *
 * @throws ConfigError
 */
export function requireLocalDemo({ demoPeople, listen }: Pick<CentralConfig, 'demoPeople' | 'listen'>): void {
  if (demoPeople.length === 0 || /^(?:localhost|127(?:\.\d+){3}|::1)$/.test(listen.host)) return;
  throw new ConfigError(
    `central.demoPeople: anyone who reaches ${listen.host} could sign in as these people. Listen on 127.0.0.1, or remove them.`,
  );
}

export interface FirstStartDeps {
  readonly db: CentralDatabase;
  readonly config: Pick<CentralConfig, 'demoPeople'>;
  /** Shows a text to the operator, outside the log: logs are copied to places where many people read them. */
  readonly print: (text: string) => void;
}

export async function prepareFirstStart(
  { db, config, print }: FirstStartDeps,
  centralUrl: string,
): Promise<void> {
  for (const { id, name, roles } of config.demoPeople)
    await insertPerson(db, { name, email: null, roles }, Date.now(), id);
  const link = await makeAdministratorLink(db, centralUrl);
  if (link === undefined) return;
  const frame = '─'.repeat(72);
  print(
    `\n${frame}\n  No administrator exists yet. Open this link to create the first one.\n  It works once, within 24 hours. Restart central for another.\n\n  ${link}\n${frame}\n\n`,
  );
}
