/** Chooses how to read a site's database: by SQL if its URL is configured, else through its gateway, directly or over a link. */
import type { Signer } from '../../kernel/http/client.ts';
import type { SecretBox } from '../../kernel/identity/secret-box.ts';
import type { Clock } from '../../kernel/lifecycle/clock.ts';
import type { Links } from './links.ts';
import { createSqlReaders } from './read-by-sql.ts';
import { readOverHttp } from './read-over-http.ts';
import { readEitherWay, readOverLink } from './read-over-link.ts';
import type { OpenGateway, OpenReader } from './site-reader.ts';

export interface ReaderDeps {
  readonly signer: Signer;
  readonly links: Links;
  readonly secrets: SecretBox;
  readonly clock: Clock;
}

export function createReaders({ signer, links, secrets, clock }: ReaderDeps): {
  readonly open: OpenReader;
  /** Also for a site whose records are read by SQL. */
  readonly openGateway: OpenGateway;
  stop(): Promise<void>;
} {
  const throughGateway = readEitherWay(readOverHttp(signer), readOverLink(signer, links), links, clock);
  const bySql = createSqlReaders();
  return {
    open: site =>
      site.database_url === null ? throughGateway(site) : bySql.open(secrets.decrypt(site.database_url)),
    openGateway: throughGateway,
    stop: bySql.stop,
  };
}
