/** Moves the captions of a video to the timeline of its trim, or back. Each track gets a new file, as after an edit. */
import type { VideoId } from '../../../protocol/base/ids.ts';
import type { CaptionsTrack } from '../../database/extras.ts';
import { parseCues, writeCaptions } from '../extras/extras.ts';
import { readSmallFile, type Storage } from '../storage/storage.ts';

interface Move {
  readonly video: VideoId;
  /** Milliseconds that are added to every time. */
  readonly byMs: number;
  /** The captions end here. */
  readonly durationMs: number;
}

/** @returns the track with its new file */
export async function moveCaptions(
  storage: Pick<Storage, 'open' | 'directory'>,
  track: CaptionsTrack,
  { video, byMs, durationMs }: Move,
): Promise<CaptionsTrack> {
  const text = await readSmallFile(name => storage.open(video, name), track.file);
  const cues = parseCues(text).flatMap(cue => {
    const startMs = Math.max(0, cue.startMs + byMs);
    const endMs = Math.min(durationMs, cue.endMs + byMs);
    return endMs > startMs ? [{ ...cue, startMs, endMs }] : [];
  });
  const { language, name } = track.rendition;
  const { file } = await writeCaptions(storage.directory(video), { cues, language, name, from: track.from });
  return { ...track, file };
}
