/** A site that central cannot connect to is read all the same, over the link that it opened. */
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
let film: Buffer;
beforeAll(async () => {
  film = readVideo(shortVideo());
  cluster = await startCluster();
});
afterAll(() => cluster?.stop());

/** Central is told an address at which nobody listens: what it sees of a site behind NAT. */
const addHiddenSite = async (name: string, link: 'auto' | 'always' | 'never'): Promise<Part> =>
  cluster.addSite(name, { baseUrl: `http://127.0.0.1:${await freePort()}`, lines: [`link = "${link}"`] });
const errorOf = async (name: string): Promise<string | undefined> =>
  (await listSitesOf(cluster)).find(site => site.name === name)?.lastErrorCode;

describe('a site behind NAT', () => {
  it('whose operator has it open a link publishes, edits and withdraws as any other', async () => {
    const site = await addHiddenSite('Hidden', 'always');
    await site.start();
    const id = await uploadTo(site, film, 'Out of a cellar');
    await untilRegistered(site, id);
    expect(await listSitesOf(cluster)).toMatchObject([{ readBy: 'link' }]);
    expect(await videosNamed(cluster, 'Out of a cellar')).toMatchObject([{ id, state: 'registered' }]);
    await fetch(`${site.url}/api/videos/${id}`, {
      method: 'DELETE',
      headers: { authorization: 'Bearer operator-token-of-these-tests' },
    });
    await eventually('it is withdrawn', async () => {
      return (await videosNamed(cluster, 'Out of a cellar')).length === 0 || undefined;
    });
    // Cut off and back: the link opens again by itself, on both sides.
    await cluster.central.kill();
    const meanwhile = await uploadTo(site, film, 'While cut off');
    await cluster.central.start();
    await untilRegistered(site, meanwhile, 60_000);
  });

  it('opens one by itself once central says that it cannot connect', async () => {
    const site = await addHiddenSite('Unaware', 'auto');
    await site.start();
    const id = await uploadTo(site, film, 'Found a way');
    await eventually('central says so', async () => {
      return (await errorOf('Unaware')) === 'peer-unreachable' || undefined;
    });
    await untilRegistered(site, id, 60_000);
    expect(site.log()).toContain('a link to central is open');
    await eventually('nothing is wrong any more', async () => {
      return (await errorOf('Unaware')) === undefined || undefined;
    });
  });

  it('opens none where its operator forbids it; the signal desk says what is wrong', async () => {
    const site = await addHiddenSite('Closed', 'never');
    await site.start();
    await uploadTo(site, film, 'Unheard');
    await eventually('central says so', async () => {
      return (await errorOf('Closed')) === 'peer-unreachable' || undefined;
    });
    expect(site.log()).not.toContain('a link to central is open');
    expect(await videosNamed(cluster, 'Unheard')).toEqual([]);
  });
});
