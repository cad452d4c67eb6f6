/** What a start of central does for people: the link of the first administrator, and the people of the demo. */
import type { CentralConfig } from '../config.ts';
import { insertPerson } from '../database/people/people.ts';
import type { CentralDatabase } from '../database/schema.ts';
import { makeAdministratorLink } from './links.ts';

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
