/** The contract of every reader of a site's database (src/central/site-reader/site-reader.ts). Each adapter runs all of it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SiteReader } from '../../src/central/site-reader/site-reader.ts';
import { sha256Hex } from '../../src/kernel/identity/keys.ts';
import { SetDigest } from '../../src/kernel/identity/set-digest.ts';
import { canonicalJson } from '../../src/protocol/base/canonical.ts';
import { newRevisionId, newSiteId, newVideoId, type VideoId } from '../../src/protocol/base/ids.ts';
import { MAX_RECORD_PAGE_BYTES } from '../../src/protocol/base/limits.ts';
import type { Assignment } from '../../src/protocol/copies.ts';
import type { Epoch } from '../../src/protocol/publication/epoch.ts';
import type { Acknowledgement, RecordPage } from '../../src/protocol/publication/gateway.ts';
import { type RecordDraft, recordSchema } from '../../src/protocol/publication/record.ts';
import {
  type CompleteCopy,
  completeCopy,
  releaseCopy,
  writeAssignments,
} from '../../src/site/database/publication/copies.ts';
import { adoptEpoch } from '../../src/site/database/publication/handshake.ts';
import { changeVideo, countUnpublished, numberDrafts } from '../../src/site/database/publication/records.ts';
import { beginStart } from '../../src/site/database/publication/signal.ts';
import { insertVideo, markChecking, type SiteDatabase } from '../../src/site/database/tables/videos.ts';

export interface ReaderUnderTest {
  /** An empty site database, which the test writes as the site does. */
  readonly db: SiteDatabase;
  /** Central's reader of that database. */
  readonly reader: SiteReader;
  end(): Promise<void>;
}

export function describeSiteReader(name: string, open: () => Promise<ReaderUnderTest>): void {
  describe(`a site read ${name}`, () => {
    let part: ReaderUnderTest;
    beforeEach(async () => {
      part = await open();
    });
    afterEach(() => part.end());

    const site = newSiteId();
    const { signal: abort } = new AbortController();
    const read = (limit = 500): Promise<RecordPage> => part.reader.readRecords(limit, abort);
    const acknowledge = (epoch: Epoch, published: readonly Acknowledgement[]) =>
      part.reader.acknowledge(epoch, published, abort);

    /** The site starts again and makes its handshake. */
    async function makeHandshake(number: number): Promise<Epoch> {
      const epoch = { number, start: `start-${number}-of-the-tests` };
      await beginStart(part.db, epoch.start);
      expect(await adoptEpoch(part.db, site, { epoch, highestVersion: 0, same: true })).toBe(true);
      while ((await numberDrafts(part.db)) > 0);
      return epoch;
    }
    const draft = (video: VideoId, changes: { name?: string; description?: string } = {}): RecordDraft => ({
      kind: 'video',
      video,
      revision: newRevisionId(),
      name: '课程',
      description: '',
      path: `videos/${video}/source`,
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
      createdAt: '2026-01-01T00:00:00.000Z',
      ...changes,
    });
    async function write(changes: { name?: string; description?: string } = {}): Promise<VideoId> {
      const id = newVideoId();
      await insertVideo(part.db, {
        id,
        name: 'x',
        description: '',
        language: undefined,
        fileName: undefined,
        sizeBytes: 9,
      });
      await markChecking(part.db, id, '0'.repeat(64));
      await changeVideo(part.db, id, {
        onlyFrom: ['checking'],
        changes: { state: 'ready' },
        record: () => draft(id, changes),
      });
      return id;
    }
    const edit = (id: VideoId, name: string) =>
      changeVideo(part.db, id, { onlyFrom: ['ready'], changes: { name }, record: () => draft(id, { name }) });
    const named = (page: RecordPage): Acknowledgement[] =>
      page.records.map(({ record, hash }) => ({ video: record.video, version: record.version, hash }));

    it('returns nothing before the handshake of this start', async () => {
      const handshakePending = { code: 'handshake-pending' };
      await expect(read()).rejects.toMatchObject(handshakePending);
      await write();
      const epoch = await makeHandshake(1);
      const page = await read();
      expect(page.records).toHaveLength(1);
      await beginStart(part.db, 'a-start-without-a-handshake');
      await expect(read()).rejects.toMatchObject(handshakePending);
      await expect(part.reader.readDigest(abort)).rejects.toMatchObject(handshakePending);
      await expect(acknowledge(epoch, named(page))).rejects.toMatchObject({ code: 'epoch-mismatch' });
      expect(await countUnpublished(part.db)).toBe(1);
    });

    it('returns records of copies like all others, and marks them as published', async () => {
      const epoch = await makeHandshake(3);
      const copy: CompleteCopy = {
        video: newVideoId(),
        revision: newRevisionId(),
        origin: newSiteId(),
        record: '{}',
        recordVersion: 1,
        name: '课程',
        description: '',
        path: 'videos/a/copy/pack',
        sourceAddress: '192.0.2.1:80',
        sizeBytes: 9,
        files: 9,
      };
      const { video, origin, revision } = copy;
      const wish = {
        wanted: true,
        video,
        origin,
        revision,
        version: 1,
        hash: '0'.repeat(64),
        sizeBytes: 9,
        reason: '',
      };
      await writeAssignments(part.db, [wish as Assignment], 1);
      await completeCopy(part.db, copy);
      await numberDrafts(part.db);
      const page = await read();
      expect(page.records).toMatchObject([{ record: { kind: 'copy', video, origin, revision, version: 1 } }]);
      expect(await acknowledge(epoch, named(page))).toEqual({ matched: 1 });
      await releaseCopy(part.db, video, 'No rule wants it.');
      await numberDrafts(part.db);
      const after = await read();
      expect(after.records).toMatchObject([{ record: { kind: 'gone', video, version: 2 } }]);
      await acknowledge(epoch, named(after));
      expect(await part.reader.readDigest(abort)).toMatchObject({ unpublished: 0, records: 1 });
    });

    it('returns records as they were written, with site, epoch and hash', async () => {
      const epoch = await makeHandshake(7);
      expect(await read()).toEqual({ site, epoch, records: [], more: false });
      const ids = [await write({ name: '甲' }), await write({ name: 'B' }), await write()];
      await numberDrafts(part.db);
      const page = await read();
      expect(page).toMatchObject({ site, epoch, more: false });
      expect(page.records.map(({ record }) => record.video)).toEqual(ids);
      expect(page.records.map(({ record }) => record.version)).toEqual([1, 2, 3]);
      for (const { record, hash } of page.records) {
        expect(recordSchema.parse(record)).toEqual(record);
        expect(sha256Hex(canonicalJson(record))).toBe(hash);
      }
      expect(page.records[0]?.record).toMatchObject({ name: '甲' });
    });

    it('pages by number, oldest first', async () => {
      const epoch = await makeHandshake(1);
      for (let count = 0; count < 5; count++) await write();
      await numberDrafts(part.db);
      const versions: number[] = [];
      for (let more = true; more; ) {
        const page = await read(2);
        expect(page.records.length).toBeLessThanOrEqual(2);
        versions.push(...page.records.map(({ record }) => record.version));
        await acknowledge(epoch, named(page));
        more = page.more;
      }
      expect(versions).toEqual([1, 2, 3, 4, 5]);
    });

    it('pages by size: long records do not make long pages', async () => {
      await makeHandshake(1);
      const description = '长'.repeat(5_000);
      for (let count = 0; count < 80; count++) await write({ description });
      await numberDrafts(part.db);
      const page = await read();
      expect(page.more).toBe(true);
      expect(page.records.length).toBeGreaterThan(10);
      expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThan(MAX_RECORD_PAGE_BYTES);
    });

    it('does not return videos without a version', async () => {
      await makeHandshake(1);
      await write();
      expect((await read()).records).toEqual([]);
      expect(await part.reader.readDigest(abort)).toMatchObject({ unpublished: 1, records: 0 });
    });

    it('marks exactly the named records, and is idempotent', async () => {
      const epoch = await makeHandshake(1);
      await write();
      await write();
      await numberDrafts(part.db);
      const [first, second] = named(await read());
      if (!first || !second) throw new Error('no two records');
      expect(await acknowledge(epoch, [{ ...first, hash: 'f'.repeat(64) }])).toEqual({ matched: 0 });
      expect(await acknowledge(epoch, [{ ...first, version: 9 }])).toEqual({ matched: 0 });
      expect(await acknowledge(epoch, [{ ...first, video: newVideoId() }])).toEqual({ matched: 0 });
      expect(await countUnpublished(part.db)).toBe(2);
      expect(await acknowledge(epoch, [first])).toEqual({ matched: 1 });
      expect(await acknowledge(epoch, [first, second])).toEqual({ matched: 2 });
      expect((await read()).records).toEqual([]);
    });

    it('does not lose an edit made between read and acknowledgement', async () => {
      const epoch = await makeHandshake(1);
      const id = await write();
      await numberDrafts(part.db);
      const before = named(await read());
      await edit(id, 'Better');
      expect(await acknowledge(epoch, before)).toEqual({ matched: 0 });
      await numberDrafts(part.db);
      expect(await acknowledge(epoch, before)).toEqual({ matched: 0 });
      expect((await read()).records).toMatchObject([{ record: { name: 'Better', version: 2 } }]);
    });

    it('returns a withdrawal as a record', async () => {
      await makeHandshake(1);
      const id = await write();
      await numberDrafts(part.db);
      const withdrawnAt = '2026-01-02T00:00:00.000Z';
      await changeVideo(part.db, id, {
        onlyFrom: ['ready'],
        changes: { state: 'withdrawn' },
        record: () => ({
          kind: 'tombstone',
          video: id,
          withdrawnAt,
        }),
      });
      await numberDrafts(part.db);
      expect((await read()).records).toMatchObject([
        { record: { kind: 'tombstone', video: id, version: 2, withdrawnAt } },
      ]);
    });

    it('refuses acknowledgements of another epoch, and marks nothing', async () => {
      await makeHandshake(1);
      await write();
      await numberDrafts(part.db);
      const old = await read();
      const epoch = await makeHandshake(2);
      const other = { code: 'epoch-mismatch' };
      await expect(acknowledge(old.epoch, named(old))).rejects.toMatchObject(other);
      // Two histories of one database may reach the same number.
      await expect(
        acknowledge({ ...epoch, start: 'start-of-another-life' }, named(old)),
      ).rejects.toMatchObject(other);
      expect(await countUnpublished(part.db)).toBe(1);
      expect(await acknowledge(epoch, named(await read()))).toEqual({ matched: 1 });
    });

    it('sums up the published records', async () => {
      const epoch = await makeHandshake(3);
      const empty = { site, epoch, unpublished: 0, records: 0, digest: new SetDigest().toString() };
      expect(await part.reader.readDigest(abort)).toEqual(empty);
      for (let count = 0; count < 3; count++) await write();
      await numberDrafts(part.db);
      const all = named(await read());
      await acknowledge(epoch, all.slice(1));
      const digest = new SetDigest();
      // The order does not matter.
      for (const { video, version, hash } of all.slice(1).reverse()) digest.add(video, version, hash);
      expect(await part.reader.readDigest(abort)).toEqual({
        site,
        epoch,
        unpublished: 1,
        records: 2,
        digest: digest.toString(),
      });
    });

    it('stops when it is aborted', async () => {
      await makeHandshake(1);
      const abort = new AbortController();
      abort.abort();
      await expect(part.reader.readRecords(1, abort.signal)).rejects.toThrow();
    });
  });
}
