/**
 * What viewers' players tell this buffer in CMCD (CTA-5004, version 1: in the query or in headers), gathered for the
 * tracker: of each address the last throughput that it measured. And which videos viewers had from here lately, so that
 * the tracker knows who has some of them. Bounded; whatever cannot be read is passed over.
 */
import type { VideoId } from '../../../protocol/ids.ts';

const MAX_VIEWERS = 500;
const MAX_VIDEOS = 200;

export interface ViewerReport {
  readonly client: string;
  readonly bps: number;
}

export interface ViewerReports {
  /** `url`: as requested; `header`: the value of `CMCD-Request`, where there is one. */
  note(address: string, url: string, header?: string): void;
  noteVideo(video: VideoId): void;
  /** What came in since it was last taken. */
  take(): { readonly viewers: readonly ViewerReport[]; readonly videos: readonly VideoId[] };
}

/** Measured throughput, kbit/s; version 2 puts it in a list. */
const MEASURED = /(?:^|,)\s*mtp=\(?(\d{1,8})/;
const QUERY = /[?&]CMCD=([^&]{1,2000})/;

/** Bits a second; undefined where none is told. */
export function parseThroughput(url: string, header: string | undefined): number | undefined {
  let text = header;
  if (text === undefined) {
    try {
      text = decodeURIComponent(QUERY.exec(url)?.[1] ?? '');
    } catch {
      return undefined;
    }
  }
  const kbps = Number(MEASURED.exec(text)?.[1] ?? 0);
  return kbps > 0 ? kbps * 1_000 : undefined;
}

export function createViewerReports(): ViewerReports {
  let viewers = new Map<string, number>();
  let videos = new Set<VideoId>();
  return {
    note(address, url, header) {
      if (header === undefined && !url.includes('CMCD=')) return;
      const bps = parseThroughput(url, header);
      if (bps !== undefined && (viewers.size < MAX_VIEWERS || viewers.has(address)))
        viewers.set(address, bps);
    },
    noteVideo(video) {
      if (videos.size < MAX_VIDEOS) videos.add(video);
    },
    take() {
      const taken = {
        viewers: [...viewers].map(([client, bps]) => ({ client, bps })),
        videos: [...videos],
      };
      viewers = new Map();
      videos = new Set();
      return taken;
    },
  };
}
