/**
 * The storyboard and the chapters as text tracks, from which the time range takes its preview and its segments. Tracks that a script
 * adds cannot be removed, so each kind has one track, whose cues are replaced.
 */
import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';
import type { VideoDetails } from '../../protocol/publication/details.ts';
import { fetchStoryboard } from './storyboard.ts';

type Chapters = VideoDetails['chapters'];

interface TextTrackOptions {
  /** URL of the storyboard; undefined if there is none. */
  readonly storyboardUrl: string | undefined;
  readonly chapters: Chapters;
  readonly durationMs: number | undefined;
}

export function useTextTracks(
  video: RefObject<HTMLVideoElement | null>,
  { storyboardUrl, chapters, durationMs }: TextTrackOptions,
): void {
  useEffect(() => {
    const element = video.current;
    if (!element || storyboardUrl === undefined) return;
    const control = new AbortController();
    fetchStoryboard(storyboardUrl, control.signal).then(
      tiles =>
        replaceCues(
          findTrack(element, 'metadata', 'thumbnails'),
          tiles.map(
            ({ fromSeconds, toSeconds, sprite, x, y, width, height }) =>
              new VTTCue(fromSeconds, toSeconds, `${sprite}#xywh=${x},${y},${width},${height}`),
          ),
        ),
      // The video plays without its storyboard.
      () => undefined,
    );
    return () => control.abort();
  }, [video, storyboardUrl]);

  useEffect(() => {
    const element = video.current;
    if (!element || !chapters || chapters.length === 0 || durationMs === undefined) return;
    const cues = chapters.map(({ startMs, title }, at) => {
      const endMs = chapters[at + 1]?.startMs ?? Math.max(durationMs, startMs + 1);
      return new VTTCue(startMs / 1_000, endMs / 1_000, escapeCue(title));
    });
    const track = findTrack(element, 'chapters', 'chapters');
    replaceCues(track, cues);
    // A change of the mode makes the time range read the cues again.
    track.mode = 'disabled';
    track.mode = 'hidden';
  }, [video, chapters, durationMs]);
}

/** The text of a cue is markup. */
const escapeCue = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function findTrack(video: HTMLVideoElement, kind: TextTrackKind, label: string): TextTrack {
  const found = [...video.textTracks].find(track => track.kind === kind && track.label === label);
  const track = found ?? video.addTextTrack(kind, label);
  track.mode = 'hidden';
  return track;
}

function replaceCues(track: TextTrack, cues: readonly VTTCue[]): void {
  for (const cue of [...(track.cues ?? [])]) track.removeCue(cue);
  for (const cue of cues) track.addCue(cue);
}
