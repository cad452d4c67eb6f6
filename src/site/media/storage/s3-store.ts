/** An S3-compatible object store: one object per file, written in parts and read by ranges. */
import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { syncDirectory, syncFile } from '../../../kernel/files.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';
import type { ObjectStore } from './object-store.ts';
import type { StoredFile } from './stored-file.ts';

export interface S3Settings {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /**
   * True (the default) for addresses of the form host/bucket, false for bucket.host. The latter need a wildcard name and certificate, which
   * self-hosted stores seldom have.
   */
  readonly pathStyle?: boolean | undefined;
  /** Prefix of every key; empty, or ends in `/`. */
  readonly prefix: string;
  /** Without these, the SDK reads the credentials from the environment. */
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: string | undefined;
}

/** Larger files are written in parts, of which one is in memory. S3 permits 10,000 parts: 100 GB need 10.5 MB each. */
const PART_BYTES = 16 * 2 ** 20;
const REQUEST_MS = 60_000;
const CONNECT_MS = 5_000;

export function openS3Store(place: S3Settings): ObjectStore {
  const { bucket: Bucket, prefix, accessKeyId, secretAccessKey } = place;
  const client = new S3Client({
    endpoint: place.endpoint,
    region: place.region,
    forcePathStyle: place.pathStyle ?? true,
    // Many stores do not know checksums in trailers, and some store them as content.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { requestTimeout: REQUEST_MS, connectionTimeout: CONNECT_MS },
    ...(accessKeyId && secretAccessKey ? { credentials: { accessKeyId, secretAccessKey } } : {}),
  });
  const bucket: BucketClient = { client, Bucket };
  const keyOf = (video: VideoId, name: string): string => `${prefix}videos/${video}/${name}`;

  const getRange = async (Key: string, position: number, length: number): Promise<Buffer> => {
    const { Body } = await client.send(
      new GetObjectCommand({ Bucket, Key, Range: `bytes=${position}-${position + length - 1}` }),
    );
    if (!Body) throw new Error(`the object store returned no bytes of ${Key}`);
    const bytes = Buffer.from(await Body.transformToByteArray());
    // A store that ignores ranges returns the whole file.
    if (bytes.length > length) throw new Error(`the object store ignored the range in a request for ${Key}`);
    return bytes;
  };

  const find: ObjectStore['find'] = async (video, name) => {
    try {
      const { ContentLength } = await client.send(new HeadObjectCommand({ Bucket, Key: keyOf(video, name) }));
      return { sizeBytes: ContentLength ?? 0 };
    } catch (error) {
      if ((error as { readonly name?: string }).name === 'NotFound') return undefined;
      throw error;
    }
  };

  return {
    find,
    async put(video, name, path) {
      const Key = keyOf(video, name);
      const file = await open(path, 'r');
      let sizeBytes: number;
      try {
        sizeBytes = (await file.stat()).size;
        if (sizeBytes <= PART_BYTES) {
          const Body = Buffer.allocUnsafe(sizeBytes);
          await readFully(file, Body, 0);
          await client.send(new PutObjectCommand({ Bucket, Key, Body, ContentLength: sizeBytes }));
        }
      } finally {
        await file.close();
      }
      if (sizeBytes > PART_BYTES) await putInParts(bucket, Key, path, sizeBytes);
      // The local file may be deleted once this returns, so the stored size is verified.
      const found = await find(video, name);
      if (found?.sizeBytes !== sizeBytes) {
        throw new Error(
          `the object store has ${found?.sizeBytes ?? 'no'} bytes of ${Key} instead of ${sizeBytes}`,
        );
      }
    },
    open: (video, name, sizeBytes) => new S3File(keyOf(video, name), sizeBytes, getRange),
    async fetch(video, name, path) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: keyOf(video, name) }));
      await mkdir(dirname(path), { recursive: true });
      const temporary = `${path}.new`;
      try {
        await pipeline(Body as Readable, createWriteStream(temporary));
        await syncFile(temporary);
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
      await syncDirectory(dirname(path));
    },
    async remove(video) {
      let keys: string[] = [];
      const removeKeys = async (): Promise<void> => {
        if (keys.length === 0) return;
        const Objects = keys.map(Key => ({ Key }));
        const { Errors = [] } = await client.send(
          new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }),
        );
        if (Errors[0])
          throw new Error(`the object store did not delete ${Errors[0].Key}: ${Errors[0].Message}`);
        keys = [];
      };
      for await (const key of listKeys(bucket, keyOf(video, ''))) {
        keys.push(key);
        if (keys.length === 1_000) await removeKeys();
      }
      await removeKeys();
    },
  };
}

interface BucketClient {
  readonly client: S3Client;
  readonly Bucket: string;
}

/** Uploads a large file in parts, and aborts the upload if one fails. */
async function putInParts(
  { client, Bucket }: BucketClient,
  Key: string,
  path: string,
  sizeBytes: number,
): Promise<void> {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const file = await open(path, 'r');
  try {
    const Parts: { ETag: string | undefined; PartNumber: number }[] = [];
    for (let position = 0; position < sizeBytes; position += PART_BYTES) {
      const Body = Buffer.allocUnsafe(Math.min(PART_BYTES, sizeBytes - position));
      await readFully(file, Body, position);
      const PartNumber = Parts.length + 1;
      const { ETag } = await client.send(
        new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body, ContentLength: Body.length }),
      );
      Parts.push({ ETag, PartNumber });
    }
    await client.send(
      new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }),
    );
  } catch (error) {
    // The parts of an abandoned upload would occupy space without being listed.
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })).catch(() => undefined);
    throw error;
  } finally {
    await file.close();
  }
}

async function* listKeys({ client, Bucket }: BucketClient, from: string): AsyncGenerator<string> {
  let ContinuationToken: string | undefined;
  do {
    const page = await client.send(new ListObjectsV2Command({ Bucket, Prefix: from, ContinuationToken }));
    for (const { Key } of page.Contents ?? []) if (Key) yield Key;
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken);
}

async function readFully(file: Pick<StoredFile, 'read'>, into: Buffer, position: number): Promise<void> {
  for (let filled = 0; filled < into.length; ) {
    const { bytesRead } = await file.read(into, filled, into.length - filled, position + filled);
    if (bytesRead === 0) throw new Error('the file became shorter while it was read');
    filled += bytesRead;
  }
}

/** Reads ranges of one object, each with one request. */
class S3File implements StoredFile {
  readonly #key: string;
  readonly #sizeBytes: number;
  readonly #getRange: (key: string, position: number, length: number) => Promise<Buffer>;

  constructor(
    key: string,
    sizeBytes: number,
    getRange: (key: string, position: number, length: number) => Promise<Buffer>,
  ) {
    this.#key = key;
    this.#sizeBytes = sizeBytes;
    this.#getRange = getRange;
  }

  async stat(): Promise<{ readonly size: number }> {
    return { size: this.#sizeBytes };
  }

  async read(into: Buffer, offset: number, length: number, position: number) {
    const bytes = await this.#get(position, length);
    bytes.copy(into, offset);
    return { bytesRead: bytes.length, buffer: into };
  }

  async readv(vectors: readonly Buffer[], position: number) {
    const length = vectors.reduce((sum, vector) => sum + vector.length, 0);
    const bytes = await this.#get(position, length);
    let at = 0;
    for (const vector of vectors) at += bytes.copy(vector, 0, at);
    return { bytesRead: bytes.length, buffers: vectors };
  }

  async close(): Promise<void> {}

  async #get(position: number, length: number): Promise<Buffer> {
    const rest = Math.min(length, this.#sizeBytes - position);
    return rest > 0 ? this.#getRange(this.#key, position, rest) : Buffer.alloc(0);
  }
}
