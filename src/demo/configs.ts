/** The configuration files of the demo's parts. */
import { join } from 'node:path';
import type { DemoLayout, DemoSite } from './layout.ts';
import { DEMO_PEOPLE, type DemoPerson } from './people.ts';

const quote = (text: string): string => JSON.stringify(text);
const formatJoinToken = (joinToken: string | undefined): string =>
  joinToken ? `joinToken = ${quote(joinToken)}\n` : '';

const formatPerson = ({ id, name, role, roles }: DemoPerson): string => `[[central.demoPeople]]
id = "${id}"
name = ${quote(name)}
role = ${quote(role)}
roles = [${roles.map(each => `{ role = "${each}", scope = "everything" }`).join(', ')}]
`;

export const formatCentralConfig = (layout: DemoLayout, token: string): string => `[central]
listen = "127.0.0.1:${layout.centralPort}"
baseUrl = ${quote(layout.centralUrl)}
dataDirectory = ${quote(join(layout.dataDirectory, 'central'))}
operatorToken = ${quote(token)}
sweepInterval = "10 s"
${DEMO_PEOPLE.map(formatPerson).join('')}${layout.sites.map(site => `[[central.demoViewers]]\nname = ${quote(site.name)}\naddress = ${quote(site.viewer)}\n`).join('')}`;

export const formatTrackerConfig = (
  layout: DemoLayout,
  token: string,
  joinToken: string | undefined,
): string => `[tracker]
listen = "127.0.0.1:${layout.trackerPort}"
baseUrl = ${quote(layout.trackerUrl)}
dataDirectory = ${quote(join(layout.dataDirectory, 'tracker'))}
central = ${quote(layout.centralUrl)}
operatorToken = ${quote(token)}
trustClientParameter = true
${formatJoinToken(joinToken)}`;

export const formatSiteConfig = (
  layout: DemoLayout,
  site: DemoSite,
  token: string,
  joinToken: string | undefined,
): string => `[site]
name = ${quote(site.name)}
listen = "${site.host}:${site.port}"
baseUrl = ${quote(site.url)}
sourceAddress = "${site.host}:${site.port}"
dataDirectory = ${quote(site.directory)}
central = ${quote(layout.centralUrl)}
operatorToken = ${quote(token)}
signalInterval = "2 s"
${formatJoinToken(joinToken)}`;
