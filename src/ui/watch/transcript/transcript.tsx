/** The speech, line by line. It follows playback, can be searched, and a line leads to its moment. It is loaded when it is opened. */
import { useEffect, useId, useMemo, useRef, useState } from 'preact/hooks';
import { formatClock } from '../../i18n/format.ts';
import { formatLanguageName } from '../../i18n/language-name.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { findLine, type Line, parseCues, searchLines } from './cues.ts';

export interface TranscriptTrack {
  readonly url: string;
  readonly language: string | undefined;
}

interface TranscriptProps {
  readonly tracks: readonly TranscriptTrack[];
  readonly positionMs: number;
  readonly onSeek: (ms: number) => void;
}

export function Transcript({ tracks, positionMs, onSeek }: TranscriptProps) {
  const { t, language } = useTranslation();
  const id = useId();
  const preferred = tracks.findIndex(track => track.language?.split('-')[0] === language);
  const [chosen, setChosen] = useState(Math.max(0, preferred));
  const track = tracks[chosen] ?? tracks[0];
  const { lines, hasFailed } = useLines(track?.url);
  const [query, setQuery] = useState('');
  const found = useMemo(() => new Set(searchLines(lines, query)), [lines, query]);
  const isSearching = query.trim() !== '';
  const current = findLine(lines, positionMs);
  const list = useFollow(current, !isSearching);
  if (hasFailed) return <p class="quiet">{t.transcript.failed}</p>;
  return (
    <div class="transcript">
      <div class="row">
        <label class="visually-hidden" for={id}>
          {t.transcript.search}
        </label>
        <input
          id={id}
          type="search"
          value={query}
          placeholder={t.transcript.search}
          data-testid="transcript-search"
          onInput={event => setQuery(event.currentTarget.value)}
        />
        {tracks.length > 1 && (
          <select
            aria-label={t.transcript.language}
            value={String(chosen)}
            data-testid="transcript-language"
            onChange={event => setChosen(Number(event.currentTarget.value))}
          >
            {tracks.map((each, index) => (
              <option key={each.url} value={String(index)}>
                {each.language ? formatLanguageName(each.language, language) : t.player.track(index + 1)}
              </option>
            ))}
          </select>
        )}
      </div>
      <p class="visually-hidden" role="status">
        {isSearching ? t.transcript.found(found.size) : ''}
      </p>
      <ol ref={list} class="transcript-lines" data-testid="transcript" lang={track?.language}>
        {lines.map(
          (line, index) =>
            (!isSearching || found.has(index)) && (
              <TranscriptLine key={line.startMs} line={line} isCurrent={index === current} onSeek={onSeek} />
            ),
        )}
      </ol>
      {isSearching && found.size === 0 && <p class="quiet">{t.transcript.nothingFound}</p>}
    </div>
  );
}

interface TranscriptLineProps {
  readonly line: Line;
  readonly isCurrent: boolean;
  readonly onSeek: (ms: number) => void;
}

function TranscriptLine({ line, isCurrent, onSeek }: TranscriptLineProps) {
  return (
    <li aria-current={isCurrent ? 'true' : undefined}>
      <button type="button" onClick={() => onSeek(line.startMs)}>
        <span class="number quiet">{formatClock(line.startMs)}</span>
        <span dir="auto">
          {line.speaker !== undefined && <strong>{line.speaker}: </strong>}
          {line.text}
        </span>
      </button>
    </li>
  );
}

function useLines(url: string | undefined) {
  const [lines, setLines] = useState<readonly Line[]>([]);
  const [hasFailed, setFailed] = useState(false);
  useEffect(() => {
    if (url === undefined) return;
    const control = new AbortController();
    fetch(url, { signal: control.signal })
      .then(async response => {
        if (!response.ok) throw new Error(`captions: ${response.status}`);
        setLines(parseCues(await response.text()));
        setFailed(false);
      })
      .catch(() => {
        if (!control.signal.aborted) setFailed(true);
      });
    return () => control.abort();
  }, [url]);
  return { lines, hasFailed };
}

/** Keeps the current line in view, unless the viewer has just scrolled the list or uses it. */
function useFollow(current: number, isFollowing: boolean) {
  const ref = useRef<HTMLOListElement>(null);
  useEffect(() => {
    const list = ref.current;
    if (!list || !isFollowing || list.matches(':hover, :focus-within')) return;
    const line = list.querySelector<HTMLElement>('[aria-current]');
    if (line) list.scrollTop = line.offsetTop - list.clientHeight / 3;
  }, [current, isFollowing]);
  return ref;
}
