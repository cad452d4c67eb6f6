/** A central with two real providers of OpenID Connect: `University`, and `Partner 伙伴`, which gives everyone a role. */
import { type Me, meSchema } from '../../src/protocol/people/people.ts';
import { type CentralHarness, startCentralHarness } from './central-harness.ts';
import { freePort } from './free-port.ts';
import type { HttpBrowser } from './http-browser.ts';
import { CLIENT_ID, CLIENT_SECRET, startOidcProvider, type TestProvider } from './oidc-provider.ts';

export const UNIVERSITY = 'University';
export const PARTNER = 'Partner 伙伴';
/** A site for which the group `editors` of the university has a role. */
export const SITE = '0193a5c0-0000-7000-8000-000000000001';

export interface CentralWithProviders {
  readonly central: CentralHarness;
  readonly provider: TestProvider;
  readonly other: TestProvider;
  /** The settings of the providers. */
  readonly oidc: readonly [object, object];
  /** Where a sign-in begins. */
  addressOf(name: string, continueTo?: string | undefined): string;
  /** True for the address at which the browser stays after the sign-in. */
  isAfter(url: URL): boolean;
  /** Returns that address without the origin. */
  signIn(browser: HttpBrowser, name: string, continueTo?: string | undefined): Promise<string>;
  readMe(browser: HttpBrowser): Promise<Me>;
  /** Forgets who signs in, and what the providers alter. */
  reset(): void;
  stop(): Promise<void>;
}

const settingsOf = ({ issuer }: TestProvider, name: string, more: object) => ({
  name,
  issuer,
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  groupsClaim: 'groups',
  ...more,
});

export async function startCentralWithProviders(): Promise<CentralWithProviders> {
  const port = await freePort();
  const redirectUris = [`http://127.0.0.1:${port}/sign-in/return`];
  const provider = await startOidcProvider(redirectUris);
  const other = await startOidcProvider(redirectUris);
  const roles = [
    { group: 'editors', role: 'editor', site: SITE },
    { group: 'auditors', role: 'auditor' },
  ];
  const oidc = [
    settingsOf(provider, UNIVERSITY, { roles }),
    settingsOf(other, PARTNER, { roles: [{ group: '*', role: 'viewer' }] }),
  ] as const;
  const central = await startCentralHarness({ listen: `127.0.0.1:${port}`, oidc });
  const addressOf = (name: string, continueTo?: string | undefined): string =>
    `${central.url}/sign-in/provider/${encodeURIComponent(name)}${
      continueTo === undefined ? '' : `?continue=${encodeURIComponent(continueTo)}`
    }`;
  const isAfter = (url: URL): boolean => url.origin === central.url && !url.pathname.startsWith('/sign-in/');
  return {
    central,
    provider,
    other,
    oidc,
    addressOf,
    isAfter,
    async signIn(browser, name, continueTo) {
      const { url } = await browser.visit(addressOf(name, continueTo), isAfter);
      return `${url.pathname}${url.search}`;
    },
    async readMe(browser) {
      const response = await browser.fetch(`${central.url}/api/me`);
      if (response.status !== 200) throw new Error(`GET /api/me: ${response.status}`);
      return meSchema.parse(await response.json());
    },
    reset() {
      for (const each of [provider, other]) {
        each.alter = undefined;
        each.account = undefined;
        each.delayMs = 0;
      }
    },
    async stop() {
      await central.stop();
      await Promise.all([provider.stop(), other.stop()]);
    },
  };
}
