/** Central reads a site that it cannot connect to over the link that the site opened. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Cluster,
  listSitesOf,
  type Part,
  startCluster,
  untilRegistered,
  uploadTo,
  videosNamed,
} from '../../support/cluster.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';
import { readVideo, shortVideo } from '../../support/sample-videos.ts';

let cluster: Cluster;
let body: Buffer;
beforeAll(async () => {
  body = readVideo(shortVideo());
  cluster = await startCluster();
});
afterAll(() => cluster?.stop());

/** Central gets an address at which nobody listens, as with a site behind NAT. */
const addHiddenSite = async (name: string, link: 'auto' | 'always' | 'never'): Promise<Part> =>
  cluster.addSite(name, { baseUrl: `http://127.0.0.1:${await freePort()}`, lines: [`link = "${link}"`] });
const errorOf = async (name: string): Promise<string | undefined> =>
  (await listSitesOf(cluster)).find(site => site.name === name)?.lastErrorCode;

describe('a site behind NAT', () => {
  it('that always opens a link publishes, edits and withdraws like any other', async () => {
    const site = await addHiddenSite('Hidden', 'always');
    await site.start();
    const id = await uploadTo(site, body, 'Behind NAT');
    await untilRegistered(site, id);
    expect(await listSitesOf(cluster)).toMatchObject([{ readBy: 'link' }]);
    expect(await videosNamed(cluster, 'Behind NAT')).toMatchObject([{ id, state: 'registered' }]);
    await fetch(`${site.url}/api/videos/${id}`, {
      method: 'DELETE',
      headers: { authorization: 'Bearer operator-token-of-these-tests' },
    });
    await eventually('it is withdrawn', async () => {
      return (await videosNamed(cluster, 'Behind NAT')).length === 0 || undefined;
    });
    // When central is back, the site opens the link again by itself.
    await cluster.central.kill();
    const meanwhile = await uploadTo(site, body, 'While cut off');
    await cluster.central.start();
    await untilRegistered(site, meanwhile, 60_000);
  });

  it('opens a link by itself once central reports that it cannot connect', async () => {
    const site = await addHiddenSite('Unaware', 'auto');
    await site.start();
    const id = await uploadTo(site, body, 'Found a way');
    await eventually('central reports that the site is unreachable', async () => {
      return (await errorOf('Unaware')) === 'peer-unreachable' || undefined;
    });
    await untilRegistered(site, id, 60_000);
    expect(site.log()).toContain('a link to central is open');
    await eventually('no error is shown any more', async () => {
      return (await errorOf('Unaware')) === undefined || undefined;
    });
  });

  it('opens no link if its operator forbids that, and the signal log shows the error', async () => {
    const site = await addHiddenSite('Closed', 'never');
    await site.start();
    await uploadTo(site, body, 'Unread');
    await eventually('central reports that the site is unreachable', async () => {
      return (await errorOf('Closed')) === 'peer-unreachable' || undefined;
    });
    expect(site.log()).not.toContain('a link to central is open');
    expect(await videosNamed(cluster, 'Unread')).toEqual([]);
  });
});
