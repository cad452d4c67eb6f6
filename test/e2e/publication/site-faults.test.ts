/** Publication when things fail at a site: a full disk, a damaged database, a file that kills the site, a day offline. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CentralSchema, migrations } from '../../../src/central/database/schema.ts';
import { openDatabase, sql } from '../../../src/kernel/sql/sql.ts';
import { newRevisionId, newVideoId, siteIdSchema } from '../../../src/protocol/base/ids.ts';
import { changeVideo } from '../../../src/site/database/publication/records.ts';
import { type SiteSchema, siteMigrations } from '../../../src/site/database/tables/schema.ts';
import { insertVideo, markChecking } from '../../../src/site/database/tables/videos.ts';
import {
  type Cluster,
  listSitesOf,
  type Part,
  startCluster,
  TOKEN,
  untilRegistered,
  uploadTo,
  videoAt,
  videosAt,
} from '../../support/cluster.ts';
import { eventually } from '../../support/eventually.ts';
import { readMemory } from '../../support/programs.ts';
import { readVideo, shortVideo } from '../../support/sample-videos.ts';
import { createUpload, patchUpload, videoIdOf } from '../../support/uploads.ts';

const authorised = { authorization: `Bearer ${TOKEN}` };

let cluster: Cluster;
let body: Buffer;
beforeAll(async () => {
  body = readVideo(shortVideo());
  cluster = await startCluster();
});
afterAll(() => cluster?.stop());

const edit = (site: Part, id: string, name: string): Promise<Response> =>
  fetch(`${site.url}/api/videos/${id}`, {
    method: 'PATCH',
    headers: { ...authorised, 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  });
const siteRow = async (name: string) => (await listSitesOf(cluster)).find(site => site.name === name);

describe('a full disk', () => {
  it('makes the site refuse uploads, play and withdraw as before, and recover without a restart', async () => {
    // The site has a separate disk, which this process sees through /proc.
    const site = await cluster.addSite('Full', {
      lines: ['keepFree = "4 MB"'],
      wrapper: [
        'unshare',
        ...(process.getuid?.() === 0 ? [] : ['--map-root-user']),
        '--mount',
        'sh',
        '-c',
        `mount -t tmpfs -o size=40m tmpfs "${join(cluster.directory, 'Full')}" && exec "$@"`,
        'sh',
      ],
    });
    await site.start();
    const disk = `/proc/${site.pid}/root${site.directory}`;
    await eventually('the disk reserve exists', () => existsSync(join(disk, 'disk-reserve')) || undefined);
    const id = await uploadTo(site, body, 'Before');
    const { revision } = await untilRegistered(site, id);

    const filler = await open(join(disk, 'filler'), 'w');
    const chunk = Buffer.alloc(64 * 1024);
    await (async () => {
      for (;;) await filler.write(chunk);
    })().catch(() => {});
    await filler.close();
    const refused = await createUpload(site.url, TOKEN, body.length, 'Too much').catch(String);
    expect(refused).toMatch(/^Error: 507: .*disk-full/);
    expect(await videosAt(site)).toMatchObject([{ id, state: 'ready' }]);
    expect((await fetch(`${site.url}/v/${id}/${revision}/source-video/1.m4s`)).status).toBe(200);
    // A write without free space fails and changes nothing. Operations that free space still work.
    let edits = 0;
    let response = await edit(site, id, 'x');
    while (response.ok && edits++ < 2_000)
      response = await edit(site, id, `Name ${edits} ${'x'.repeat(150)}`);
    expect(response.status, site.log().slice(-3_000)).toBe(507);
    expect(await response.json()).toMatchObject({ code: 'disk-full' });
    const withdrawn = await fetch(`${site.url}/api/videos/${id}`, { method: 'DELETE', headers: authorised });
    expect(withdrawn.status).toBe(204);
    expect(existsSync(join(disk, 'disk-reserve'))).toBe(false);

    rmSync(join(disk, 'filler'));
    const again = await uploadTo(site, body, 'After');
    await untilRegistered(site, again);
    expect(await videoAt(site, id)).toMatchObject({ state: 'withdrawn' });
  });
});

describe('a damaged database', () => {
  it('is found at the start; the site serves its published videos, and reports the error', async () => {
    const site = await cluster.addSite('Damaged');
    await site.start();
    const id = await uploadTo(site, body, 'Still here');
    const { revision } = await untilRegistered(site, id);
    await site.kill('SIGTERM');
    const file = join(site.directory, 'site.sqlite');
    // Half of a page that no revision needs: it belongs to an index of records.
    const page = await pageOfIndex(file, 'records_by_published');
    const bytes = readFileSync(file);
    bytes.fill(0xa5, page * 4_096 + 8, page * 4_096 + 2_000);
    writeFileSync(file, bytes);

    await site.start(undefined, false);
    const segment = `${site.url}/v/${id}/${revision}/source-video/1.m4s`;
    await eventually('it serves segments', async () => (await fetch(segment)).ok || undefined);
    const ready = await fetch(`${site.url}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.text()).toContain('database of this site is damaged');
    for (const path of ['/api/videos', '/api/site', '/gateway/records']) {
      const response = await fetch(`${site.url}${path}`, { headers: authorised });
      expect(response.status).toBe(503);
      expect(await response.json()).toMatchObject({ code: 'site-read-only' });
    }
    await expect(createUpload(site.url, TOKEN, body.length, 'No')).rejects.toThrow(/503.*site-read-only/);
    expect(readFileSync(file).equals(bytes)).toBe(true);
    // The next sweep finds out, and the signal log shows it. Viewers are still sent there.
    await eventually(
      'central shows the error',
      async () => (await siteRow('Damaged'))?.lastErrorCode === 'site-read-only' || undefined,
    );
    await eventually(
      'the tracker offers the site again',
      async () => {
        const play = await fetch(`${cluster.tracker.url}/play/${id}`);
        return (await play.text()).includes(site.url) || undefined;
      },
      60_000,
    );
  });
});

async function pageOfIndex(file: string, name: string): Promise<number> {
  const db = await openDatabase<SiteSchema>(file, siteMigrations);
  const { rows } = await sql<{
    rootpage: number;
  }>`select rootpage from sqlite_master where name = ${name}`.execute(db);
  await sql`pragma wal_checkpoint(truncate)`.execute(db);
  await db.destroy();
  return Number(rows[0]?.rootpage) - 1;
}

describe('a file', () => {
  it('that kills the site at each check is rejected at the fourth, and the site keeps running', async () => {
    const site = await cluster.addSite('Poisoned');
    await site.start('check-claimed');
    const url = await createUpload(site.url, TOKEN, body.length, 'Poison');
    await patchUpload(url, TOKEN, 0, body).catch(() => {});
    await site.untilKilled();
    for (let attempt = 2; attempt <= 3; attempt++) {
      await site.start('check-claimed', false);
      await site.untilKilled();
    }
    await site.start('check-claimed');
    const rejected = await eventually('it is rejected', async () => {
      const video = await videoAt(site, videoIdOf(url));
      return video.state === 'failed' ? video : undefined;
    });
    expect(rejected.error).toMatchObject({ code: 'check-crashed' });
    await eventually(
      'its bytes are deleted',
      () => readdirSync(join(site.directory, 'videos')).length === 0 || undefined,
    );
    await site.kill();
    await site.start();
    await untilRegistered(site, await uploadTo(site, body, 'Harmless'));
  });
});

describe('a day offline', () => {
  it('leaves a backlog of 10,000 records, which are collected in order and with little memory', async () => {
    const RECORDS = 10_000;
    const site = await cluster.addSite('Offline');
    await site.start();
    await eventually('it has joined', async () => (await siteRow('Offline'))?.joinedAt);
    await site.kill('SIGTERM');
    await writeBacklog(join(site.directory, 'site.sqlite'), RECORDS);
    const before = readMemory(cluster.central.pid).now;
    await site.start();
    const atStart = readMemory(site.pid).now;
    await eventually(
      'all are in the catalogue',
      async () => ((await siteRow('Offline'))?.videos === RECORDS ? true : undefined),
      120_000,
    );
    await eventually(
      'nothing is pending',
      async () => (await siteRow('Offline'))?.pendingSignals === 0 || undefined,
    );
    const central = await openDatabase<CentralSchema>(
      join(cluster.central.directory, 'central.sqlite'),
      migrations,
    );
    const rows = await central
      .selectFrom('videos')
      .select(['version'])
      .where('site_id', '=', siteIdSchema.parse((await siteRow('Offline'))?.id))
      .orderBy('position')
      .execute();
    await central.destroy();
    const versions = rows.map(row => Number(row.version));
    expect(versions).toHaveLength(RECORDS);
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    expect(readMemory(cluster.central.pid).peak - before).toBeLessThan(150 * 2 ** 20);
    expect(readMemory(site.pid).peak - atStart).toBeLessThan(150 * 2 ** 20);
  });
});

/** Writes records as the site does while central is unavailable. */
async function writeBacklog(file: string, count: number): Promise<void> {
  const db = await openDatabase<SiteSchema>(file, siteMigrations);
  await sql`pragma synchronous = off`.execute(db);
  for (let number = 0; number < count; number++) {
    const id = newVideoId();
    await insertVideo(db, {
      id,
      name: `Video ${number}`,
      description: 'Recorded while the link was down.',
      language: undefined,
      fileName: undefined,
      sizeBytes: 9,
    });
    await markChecking(db, id, '0'.repeat(64));
    const revision = newRevisionId();
    await changeVideo(db, id, {
      onlyFrom: ['checking'],
      changes: { state: 'ready', revision },
      record: () => ({
        kind: 'video',
        video: id,
        revision,
        name: `Video ${number}`,
        description: 'Recorded while the link was down.',
        path: `videos/${id}/source`,
        sourceAddress: '192.0.2.1:80',
        sizeBytes: 9,
        bitrateBps: 9,
        durationMs: 9,
        sha256: '0'.repeat(64),
        container: 'MP4',
        renditions: [
          {
            kind: 'audio',
            id: 'source-audio',
            codec: 'opus',
            bandwidthBps: 9,
            averageBandwidthBps: 9,
            channels: 2,
            sampleRateHz: 48_000,
          },
        ],
        createdAt: new Date().toISOString(),
      }),
    });
  }
  await db.destroy();
}
