/** What a new member needs: a complete section of its configuration, or the command that writes one. Pure. */
import { choosePort, formatSection, listenHostOf } from '../../../protocol/config-section.ts';

export interface Invitation {
  readonly role: 'site' | 'tracker';
  readonly name: string;
  readonly baseUrl: string;
  readonly joinToken: string;
  /** The base URL of central. */
  readonly central: string;
  /** `new`: was added just now. `invited`: it got a token before, and may have a configuration. */
  readonly member: 'new' | 'invited' | 'joined';
}

export interface MemberDefaults {
  /** A new random token. */
  readonly operatorToken: string;
  /** The base URLs of the other members with this role: the new one may run on the same machine. */
  readonly others: readonly string[];
}

/** A name for the configuration file and the data of a member: several members may be on one machine. */
function fileNameOf({ role, baseUrl }: Invitation): string {
  const { port, hostname } = new URL(baseUrl);
  return [role, hostname.replace(/[[\]:]+/g, ''), ...(port ? [port] : [])].join('-');
}

export const fileOf = (invitation: Invitation): string => `${fileNameOf(invitation)}.toml`;

export function formatJoinLines(invitation: Invitation, { operatorToken, others }: MemberDefaults): string {
  const { role, name, baseUrl, joinToken, central } = invitation;
  const port = choosePort(role, baseUrl, takenPorts(role, others));
  const common = {
    baseUrl,
    listen: `${listenHostOf(baseUrl)}:${port}`,
    // It is relative to the directory in which the part is started, and different for each part.
    dataDirectory: `data/${fileNameOf(invitation)}`,
    operatorToken,
    central,
    joinToken,
  };
  return formatSection(role === 'site' ? { part: role, name, ...common } : { part: role, ...common });
}

/** A member behind a proxy probably has a default port, so as many default ports are taken. */
function takenPorts(role: Invitation['role'], others: readonly string[]): readonly number[] {
  const ports: number[] = [];
  for (const baseUrl of others) ports.push(choosePort(role, baseUrl, ports));
  return ports;
}

/** Quotes an argument for a POSIX shell. */
const quote = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

export function formatInitCommand(invitation: Invitation): string {
  const { role, name, baseUrl, joinToken, central } = invitation;
  return [
    `npx tributary init ${role}`,
    ...(role === 'site' ? [`--name ${quote(name)}`] : []),
    `--base-url ${quote(baseUrl)}`,
    `--central ${quote(central)}`,
    // A token may begin with a hyphen.
    `--join-token=${quote(joinToken)}`,
    `--config ${quote(fileOf(invitation))}`,
  ].join(' \\\n  ');
}

/** The line that a member with a configuration replaces. Tokens have only characters that a TOML string may contain. */
export const formatTokenLine = ({ joinToken }: Invitation): string =>
  `joinToken = ${JSON.stringify(joinToken)}`;

export const formatStartCommand = (invitation: Invitation): string =>
  `npx tributary ${invitation.role} --config ${fileOf(invitation)}`;
