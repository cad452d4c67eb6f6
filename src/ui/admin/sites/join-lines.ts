/** The lines that a new member's configuration needs. Pure. */
export interface Invitation {
  readonly role: 'site' | 'tracker';
  readonly name: string;
  readonly baseUrl: string;
  readonly joinToken: string;
}

const IP_HOST = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/i;

/** TOML: its basic strings have the syntax of JSON strings. */
export function formatJoinLines(invitation: Invitation, central: string): string {
  const { role, name, baseUrl, joinToken } = invitation;
  const url = new URL(baseUrl);
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const setting = (key: string, value: string): string => `${key} = ${JSON.stringify(value)}`;
  return [
    `[${role}]`,
    ...(role === 'site' ? [setting('name', name)] : []),
    setting('baseUrl', baseUrl),
    ...(role === 'site'
      ? [
          IP_HOST.test(url.hostname)
            ? setting('sourceAddress', `${url.hostname}:${port}`)
            : `# sourceAddress = "192.0.2.7:${port}"  # IP address and port of this server`,
        ]
      : []),
    setting('central', central),
    setting('joinToken', joinToken),
    '',
  ].join('\n');
}
