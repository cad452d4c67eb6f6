/** Copies are complete or absent, store common bytes once, and only return bytes that match their signature. */
import { appendFileSync, existsSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type KeyPair, readOrMakeKey } from '../../../kernel/identity/keys.ts';
import { isSigned, sha256Base64, signBytes } from '../../../kernel/identity/proofs.ts';
import { newRevisionId, newVideoId } from '../../../protocol/base/ids.ts';
import { mediaPath } from '../../../protocol/media/media.ts';
import { createStorage, type Storage } from '../storage/storage.ts';
import { type CopiedBytes, CopyStore } from './copy-store.ts';

let directory: string;
let storage: Storage;
let store: CopyStore;
let origin: KeyPair;
const video = newVideoId();
const revision = newRevisionId();
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-copies-'));
  storage = createStorage(directory);
  store = new CopyStore(storage);
  origin = await readOrMakeKey(join(directory, 'origin.key'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const folder = (): string => join(storage.directory(video), 'copy');
const pack = (): string => join(folder(), 'pack');
async function bytesOf(file: string, text: string, of = revision): Promise<CopiedBytes> {
  const body = Buffer.from(text);
  return {
    body,
    proof: signBytes(origin, mediaPath(video, of, file), await sha256Base64(body)),
    etag: `"${file}"`,
  };
}
async function copy(files: Readonly<Record<string, string>>, of = revision): Promise<void> {
  const writer = await store.openWriter(video, of);
  for (const [file, text] of Object.entries(files)) await writer.add(file, await bytesOf(file, text, of));
  await writer.finish();
  await writer.close();
  store.forget(video);
}

describe('a copy', () => {
  it('returns the bytes, the proof and the entity tag that it was stored with', async () => {
    await copy({ 'a/0.m4s': 'first', 'a/1.m4s': 'second' });
    expect(await store.read(video, revision, 'a/1.m4s')).toEqual(await bytesOf('a/1.m4s', 'second'));
    expect(await store.read(video, revision, 'a/2.m4s')).toBe('no-file');
    expect(await store.read(video, newRevisionId(), 'a/1.m4s')).toBeUndefined();
    expect(await store.read(newVideoId(), revision, 'a/1.m4s')).toBeUndefined();
  });

  it('is absent until it is complete, also after a restart', async () => {
    const writer = await store.openWriter(video, revision);
    await writer.add('a/0.m4s', await bytesOf('a/0.m4s', 'first'));
    await writer.close();
    expect(await store.read(video, revision, 'a/0.m4s')).toBeUndefined();
    expect(await new CopyStore(storage).read(video, revision, 'a/0.m4s')).toBeUndefined();
  });

  it('resumes after a kill with the files that are intact', async () => {
    const writer = await store.openWriter(video, revision);
    await writer.add('a/0.m4s', await bytesOf('a/0.m4s', 'first'));
    await writer.add('a/1.m4s', await bytesOf('a/1.m4s', 'second'));
    await writer.add('a/2.m4s', await bytesOf('a/2.m4s', 'third'));
    await writer.close();
    // The last bytes did not reach the disk, and half a line of the journal did.
    truncateSync(pack(), 'firstsecond'.length + 2);
    appendFileSync(join(folder(), `${revision}.files.new`), '["a/3.m4s",16,');
    const again = await store.openWriter(video, revision);
    expect(['a/0.m4s', 'a/1.m4s', 'a/2.m4s', 'a/3.m4s'].map(file => again.has(file))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    await again.add('a/2.m4s', await bytesOf('a/2.m4s', 'third'));
    expect(await again.finish()).toBe('firstsecondthird'.length);
    await again.close();
    expect(await store.read(video, revision, 'a/2.m4s')).toEqual(await bytesOf('a/2.m4s', 'third'));
    expect(readdirSync(folder()).sort()).toEqual([`${revision}.files`, 'pack'].sort());
  });

  it('leaves no journal of a revision whose copy was interrupted and then given up', async () => {
    const interrupted = await store.openWriter(video, newRevisionId());
    await interrupted.add('a/0.m4s', await bytesOf('a/0.m4s', 'old'));
    await interrupted.close();
    const writer = await store.openWriter(video, revision);
    await writer.add('a/0.m4s', await bytesOf('a/0.m4s', 'new'));
    await writer.finish();
    await writer.close();
    expect(readdirSync(folder()).sort()).toEqual([`${revision}.files`, 'pack'].sort());
  });

  it('does not resume with files that the disk has altered', async () => {
    const writer = await store.openWriter(video, revision);
    await writer.add('a/0.m4s', await bytesOf('a/0.m4s', 'first'));
    await writer.add('a/1.m4s', await bytesOf('a/1.m4s', 'second'));
    await writer.close();
    const file = await open(pack(), 'r+');
    await file.write('F', 0);
    await file.close();
    const again = await store.openWriter(video, revision);
    expect([again.has('a/0.m4s'), again.has('a/1.m4s')]).toEqual([false, true]);
    await again.close();
  });

  it('throws if the disk has altered it', async () => {
    await copy({ 'a/0.m4s': 'first' });
    writeFileSync(pack(), 'fir5t');
    await expect(store.read(video, revision, 'a/0.m4s')).rejects.toThrow('damaged');
    truncateSync(pack(), 2);
    await expect(store.read(video, revision, 'a/0.m4s')).rejects.toThrow('damaged');
  });

  it('is read again after another process has replaced it', async () => {
    await copy({ 'a/0.m4s': 'first', 'a/1.m4s': 'second' });
    const other = new CopyStore(storage);
    expect(await other.read(video, revision, 'a/1.m4s')).toEqual(await bytesOf('a/1.m4s', 'second'));
    await store.remove(video);
    expect(await other.read(video, revision, 'a/1.m4s')).toBeUndefined();
    await copy({ 'a/0.m4s': 'first', 'a/1.m4s': 'second' });
    expect(await other.read(video, revision, 'a/1.m4s')).toEqual(await bytesOf('a/1.m4s', 'second'));
    await store.remove(video);
    await copy({ 'a/1.m4s': 'second', 'a/0.m4s': 'first' });
    expect(await other.read(video, revision, 'a/1.m4s')).toEqual(await bytesOf('a/1.m4s', 'second'));
  });

  it('shares equal bytes with another revision', async () => {
    await copy({ 'a/0.m4s': 'x'.repeat(10_000), 'poster.jpg': 'old' });
    const next = newRevisionId();
    const writer = await store.openWriter(video, next);
    const same = await bytesOf('a/0.m4s', 'x'.repeat(10_000), next);
    expect(writer.isInOtherRevision('a/0.m4s')).toBe(true);
    expect(writer.isInOtherRevision('a/9.m4s')).toBe(false);
    expect(writer.hasBytes(same.proof)).toBe(true);
    await writer.link('a/0.m4s', same.proof, same.etag);
    const other = await bytesOf('poster.jpg', 'new', next);
    expect(writer.hasBytes(other.proof)).toBe(false);
    await writer.add('poster.jpg', other);
    await writer.finish();
    await writer.close();
    expect(statSync(pack()).size).toBe(10_006);
    expect(await store.read(video, next, 'a/0.m4s')).toEqual(same);
    expect(await store.read(video, next, 'poster.jpg')).toEqual(other);
    expect(await store.read(video, revision, 'poster.jpg')).toEqual(await bytesOf('poster.jpg', 'old'));
  });

  it('keeps its files when it is written again under the same revision', async () => {
    await copy({ 'record-1.json': 'one', 'a/0.m4s': 'first' });
    const writer = await store.openWriter(video, revision);
    expect(writer.has('a/0.m4s')).toBe(true);
    await writer.add('record-2.json', await bytesOf('record-2.json', 'two'));
    await writer.finish();
    await writer.close();
    store.forget(video);
    expect(await store.read(video, revision, 'record-2.json')).toMatchObject({ body: Buffer.from('two') });
    expect(await store.read(video, revision, 'record-1.json')).toMatchObject({ body: Buffer.from('one') });
  });

  it('is re-signed by this site under a new revision', async () => {
    await copy({ 'record-1.json': 'one', 'a/0.m4s': 'first' });
    const own = await readOrMakeKey(join(directory, 'own.key'));
    const takenOver = newRevisionId();
    await store.reSign(video, revision, takenOver, own);
    const found = await store.read(video, takenOver, 'a/0.m4s');
    if (!found || found === 'no-file') throw new Error('the file is missing');
    expect(found.body.toString()).toBe('first');
    expect(found.proof.key).toBe(own.publicKey);
    expect(isSigned(mediaPath(video, takenOver, 'a/0.m4s'), found.proof)).toBe(true);
    // This site cannot sign the record of the former site.
    expect(await store.read(video, takenOver, 'record-1.json')).toBe('no-file');
    expect(await store.read(video, revision, 'a/0.m4s')).toMatchObject({ proof: { key: origin.publicKey } });
  });

  it('is removed with all its files, and never offloaded to an object store', async () => {
    await copy({ 'a/0.m4s': 'first' });
    await storage.offload(video);
    expect(existsSync(pack())).toBe(true);
    await store.remove(video);
    expect(existsSync(folder())).toBe(false);
    expect(await store.read(video, revision, 'a/0.m4s')).toBeUndefined();
  });
});
