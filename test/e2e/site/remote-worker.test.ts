/**
 * A worker on another machine: it has the site's database (PostgreSQL) and object store and its own directory, but none of the
 * site's disks. The site publishes what the worker converts, and moves it into the store while it runs.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import S3rver from 's3rver';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeVideoSync, requireFfmpeg } from '../../media/video-cache.ts';
import { type Cluster, startCluster, untilRegistered, uploadTo, videoAt } from '../../support/cluster.ts';
import { eventually } from '../../support/eventually.ts';
import { startPostgres } from '../../support/postgres/server.ts';
import { COMMAND } from '../../support/programs.ts';
import { readVideo } from '../../support/sample-videos.ts';

const SECONDS = 40;
let directory: string;
let store: S3rver;
let postgres: Awaited<ReturnType<typeof startPostgres>>;
let cluster: Cluster;
let worker: ChildProcess | undefined;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-remote-worker-'));
  store = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory: join(directory, 'objects'),
    configureBuckets: [{ name: 'media', configs: [] }],
  });
  postgres = await startPostgres();
  cluster = await startCluster();
});
afterAll(async () => {
  worker?.kill('SIGKILL');
  await cluster?.stop();
  await postgres?.stop();
  await store?.close();
  await rm(directory, { recursive: true, force: true });
});

/** Names of a video's objects in the bucket, below the site's prefix. */
const listObjects = async (video: string): Promise<readonly string[]> => {
  const names = await readdir(join(directory, 'objects', 'media'), { recursive: true }).catch(() => []);
  return names
    .map(name => /^hangzhou\/videos\/([^/]+)\/(.+)\._S3rver_object$/.exec(name))
    .flatMap(match => (match?.[1] === video ? [match[2] ?? ''] : []));
};

it('converts a video from the store; the site publishes it and keeps only indexes and hashes on its disk', async () => {
  const { port } = (await store.run()) as AddressInfo;
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await client.query('create database site');
  await client.end();
  const shared = [
    `database = "${postgres.url.replace(/postgres$/, 'site')}"`,
    `s3 = { endpoint = "http://127.0.0.1:${port}", bucket = "media", prefix = "hangzhou/", accessKeyId = "S3RVER", secretAccessKey = "S3RVER" }`,
    'ladder = [{ lines = 180, kbps = 300 }]',
  ];
  // The site itself encodes nothing.
  const site = await cluster.addSite('Hangzhou', { lines: [...shared, 'workers = 0'] });
  await site.start();
  const path = makeVideoSync('remote.avi', [
    ...['-f', 'lavfi', '-i', `testsrc2=size=320x180:rate=25:duration=${SECONDS}`],
    ...['-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=48000:duration=${SECONDS}`],
    ...['-c:v', 'mpeg4', '-q:v', '8', '-g', '50', '-c:a', 'mp2'],
  ]);
  const id = await uploadTo(site, readVideo(path), 'From afar');

  const workDirectory = join(directory, 'workDirectory');
  const config = join(directory, 'worker.toml');
  const siteConfig = await readFile(join(cluster.directory, 'Hangzhou.toml'), 'utf8');
  await writeFile(
    config,
    // The other machine does not have the site's directory.
    `${siteConfig.replace(/dataDirectory = .*/, `dataDirectory = "${join(directory, 'nowhere')}"`)}workDirectory = "${workDirectory}"\n`,
  );
  worker = spawn(process.execPath, [COMMAND, 'worker', '--config', config], {
    cwd: directory,
    stdio: 'ignore',
  });
  await eventually(
    'the conversion is published',
    async () => {
      const found = await videoAt(site, id);
      if (found.state === 'failed') throw new Error(found.error?.detail);
      return found.state === 'ready' ? found : undefined;
    },
    90_000,
  );
  await untilRegistered(site, id, 30_000);
  const disk = join(cluster.directory, 'Hangzhou', 'videos', id);
  const onDisk = async (): Promise<readonly string[]> =>
    (await readdir(disk, { recursive: true, withFileTypes: true }))
      .filter(entry => entry.isFile())
      .map(({ name }) => name);
  await eventually(
    'its files are in the store',
    async () => (await onDisk()).every(name => /\.(index|hashes)$/.test(name)) || undefined,
    60_000,
  );
  const objects = await listObjects(id);
  expect(objects).toContain('source');
  expect(objects.filter(name => /^[0-9a-f-]{36}\/\d+-\d+\.mp4$/.test(name))).toHaveLength(2);
  await eventually(
    'the other machine has deleted its files',
    async () => (await readdir(join(workDirectory, 'videos'))).length === 0 || undefined,
    30_000,
  );

  // It plays from the store to its end.
  const stdout = await play(`${cluster.tracker.url}/go/${id}`);
  expect(stdout.split('\n').filter(line => line.startsWith('0,'))).toHaveLength(SECONDS * 25);
});

/** Reads a stream with ffmpeg. This process runs the object store, so it must not block meanwhile. */
async function play(url: string): Promise<string> {
  const args = ['-v', 'error', '-i', url, '-map', '0:v:0', '-c', 'copy', '-f', 'framemd5', '-'];
  return (await promisify(execFile)(requireFfmpeg(), args, { timeout: 60_000 })).stdout;
}
