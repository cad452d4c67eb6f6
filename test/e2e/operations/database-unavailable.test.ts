/** A PostgreSQL server is down for a while: central and the site keep running, and continue when it is back. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster, untilRegistered, uploadTo, videosNamed } from '../../support/cluster.ts';
import { eventually } from '../../support/eventually.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres/server.ts';
import { readVideo, shortVideo } from '../../support/sample-videos.ts';

/** Longer than every timer of central and the site. */
const DOWN_MS = 6_000;

let server: PostgresServer;
let cluster: Cluster;
beforeAll(async () => {
  server = await startPostgres();
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await client.query('create database site');
  await client.end();
  cluster = await startCluster({ central: [`database = "${server.url}"`] });
});
afterAll(async () => {
  await cluster?.stop();
  await server?.stop();
});

describe('a database server that comes back', () => {
  it('finds the same processes running, and uploads from before and after are published', async () => {
    const site = await cluster.addSite('Patient', {
      lines: [`database = "${new URL('/site', server.url).href}"`],
    });
    await site.start();
    const body = readVideo(shortVideo());
    await untilRegistered(site, await uploadTo(site, body, 'Before'));
    const pids = [cluster.central, cluster.tracker, site].map(part => part.pid);

    const back = server.restart(DOWN_MS);
    await sleep(1_500);
    const catalogue = await fetch(`${cluster.central.url}/api/videos`);
    expect([catalogue.status, await catalogue.json()]).toMatchObject([503, { code: 'database-unavailable' }]);
    await expect(uploadTo(site, body, 'Meanwhile')).rejects.toThrow(/503.*database-unavailable/);
    for (const part of [cluster.central, site]) expect((await fetch(`${part.url}/metrics`)).status).toBe(200);
    await back;
    const after = await eventually('an upload is accepted', () => uploadTo(site, body, 'After'), 30_000);
    await untilRegistered(site, after, 60_000);
    expect((await videosNamed(cluster, 'Before')).length).toBe(1);
    expect([cluster.central, cluster.tracker, site].map(part => part.isRunning && part.pid)).toEqual(pids);
  });
});
