/**
 * The files of a revision from which buffers make downloads: plans, heads of renditions and pieces of the source. Each request is
 * checked against what the author allows, so nothing but the heads, which say nothing, may be cached elsewhere.
 */
import { LRUCache } from 'lru-cache';
import { problem } from '../../../../kernel/problem.ts';
import type { RevisionId, VideoId } from '../../../../protocol/base/ids.ts';
import { SOURCE_FOLDER } from '../../../../protocol/media/download-file.ts';
import {
  DOWNLOAD_HEAD,
  DOWNLOAD_PLAN,
  type DownloadPart,
  formatDownloadPlan,
  PART,
} from '../../../../protocol/media/download-plan.ts';
import type { Downloads } from '../../../database/downloads.ts';
import { type OpenFile, readScattered } from '../../storage/storage.ts';
import type { CutFile, Presentation } from '../presentation.ts';
import { makeRenditionDownload, type RenditionDownload, selectTracks } from './rendition-download.ts';

/** Heads that stay in memory between the request for a plan and the one for its head. That of ten hours has about 20 MB. */
const MADE_DOWNLOADS = 4;
const MADE_FOR_MS = 30_000;
const SOURCE_PIECE_BYTES = 4 * 2 ** 20;

export interface DownloadRequest {
  readonly video: VideoId;
  readonly revision: RevisionId;
  readonly file: string;
}

const FILE = /^(?:([a-z0-9][a-z0-9-]{0,39})\/(?:download|head)|source\/(?:0|[1-9]\d{0,6}))\.bin$/;
/** True for the files that this module makes. */
export const isDownloadPart = (file: string): boolean => FILE.test(file);

export const isOfSource = (file: string): boolean => file.startsWith(`${SOURCE_FOLDER}/`);

/** @throws Problem 403 `download-not-allowed` */
export function requireDownload({ mode, source }: Downloads, file: string): void {
  if (mode !== (isOfSource(file) ? 'source' : 'renditions')) throw problem('download-not-allowed');
  if (isOfSource(file) && !source) {
    throw problem(
      'download-not-allowed',
      'The uploaded file of this video cannot be downloaded from this site.',
    );
  }
}

const TYPES: Readonly<Record<string, readonly [contentType: string, extension: string]>> = {
  MP4: ['video/mp4', 'mp4'],
  MOV: ['video/quicktime', 'mov'],
  Matroska: ['video/x-matroska', 'mkv'],
  WebM: ['video/webm', 'webm'],
  AVI: ['video/x-msvideo', 'avi'],
  'MPEG-TS': ['video/mp2t', 'ts'],
};

export function createDownloadFiles() {
  const made = new LRUCache<string, Promise<RenditionDownload>>({ max: MADE_DOWNLOADS, ttl: MADE_FOR_MS });

  function make({ video, revision, file }: DownloadRequest, presentation: Presentation) {
    const [id = ''] = file.split('/');
    const key = `${video}/${revision}/${id}`;
    const tracks = selectTracks(presentation.renditions, id)?.flatMap(
      ({ id }) => presentation.findIndexed(id) ?? [],
    );
    if (!tracks || tracks.length === 0) return undefined;
    const known = made.get(key);
    if (known) return known;
    const making = makeRenditionDownload(revision, tracks);
    made.set(key, making);
    making.catch(() => made.delete(key));
    return making;
  }

  return {
    /** @returns undefined if the revision has no such file */
    async ofRendition(request: DownloadRequest, presentation: Presentation): Promise<CutFile | undefined> {
      const [, name] = request.file.split('/');
      if (name !== DOWNLOAD_PLAN && name !== DOWNLOAD_HEAD) return undefined;
      const download = await make(request, presentation);
      return (
        download && { contentType: BINARY, body: name === DOWNLOAD_PLAN ? download.plan : download.head }
      );
    },
    /** @returns undefined if the source has no such piece */
    async ofSource(
      { file }: DownloadRequest,
      { source }: Downloads,
      { open, name: sourceName }: { readonly open: OpenFile; readonly name: string },
    ): Promise<CutFile | undefined> {
      if (!source) return undefined;
      const [, name = ''] = file.split('/');
      if (name === DOWNLOAD_PLAN) return { contentType: BINARY, body: planSource(source) };
      const at = Number(/^(\d+)\.bin$/.exec(name)?.[1] ?? Number.NaN) * SOURCE_PIECE_BYTES;
      if (!(at < source.sizeBytes)) return undefined;
      const body = Buffer.allocUnsafeSlow(Math.min(SOURCE_PIECE_BYTES, source.sizeBytes - at));
      const stored = await open(sourceName);
      try {
        await readScattered(stored, body, [{ position: at, length: body.length, target: 0 }]);
      } finally {
        await stored.close();
      }
      return { contentType: BINARY, body };
    },
  };
}

const BINARY = 'application/octet-stream';

function planSource({ sizeBytes, sha256, container }: NonNullable<Downloads['source']>): Buffer {
  const [contentType, extension] = TYPES[container] ?? [BINARY, 'bin'];
  const parts = Array.from(
    { length: Math.ceil(sizeBytes / SOURCE_PIECE_BYTES) },
    (_, number): DownloadPart => {
      const length = Math.min(SOURCE_PIECE_BYTES, sizeBytes - number * SOURCE_PIECE_BYTES);
      return { kind: PART.source, folder: 0, number, start: 0, end: length };
    },
  );
  return formatDownloadPlan(
    { contentType, extension, etag: `"sha256-${sha256}"`, sizeBytes, folders: [SOURCE_FOLDER] },
    parts,
  );
}
