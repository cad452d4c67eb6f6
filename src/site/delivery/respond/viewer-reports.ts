/**
 * Collects the throughput that viewers' players report in CMCD (CTA-5004, version 1, in the query or in headers), and the
 * videos that viewers have requested, for the tracker. Both are bounded, and reports that cannot be parsed are ignored.
 */
import type { VideoId } from '../../../protocol/base/ids.ts';

const MAX_VIEWERS = 500;
const MAX_VIDEOS = 200;

interface ViewerReport {
  /** The address of the viewer. */
  readonly client: string;
  /** The last throughput that its player measured, in bits per second. */
  readonly bps: number;
}

export interface ViewerReports {
  /** `url` is the requested URL; `header` is the value of `CMCD-Request`, if there is one. */
  note(address: string, url: string, header?: string): void;
  noteVideo(video: VideoId): void;
  /** Returns the reports since the last call. */
  take(): { readonly viewers: readonly ViewerReport[]; readonly videos: readonly VideoId[] };
}

/** The measured throughput in kbit/s. Version 2 puts it into a list. */
const MEASURED = /(?:^|,)\s*mtp=\(?(\d{1,8})/;
const QUERY = /[?&]CMCD=([^&]{1,2000})/;

/** Returns bits per second; undefined if there is no measurement. */
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
