/** The settings menu of the player. It is loaded when somebody opens it. */
import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { VideoDetails } from '../../../protocol/publication/details.ts';
import { formatClock } from '../../i18n/format.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { type Appearance, BACKGROUNDS, COLOURS, SIZES } from '../captions/appearance.ts';
import type { Playback } from '../hls/playback.ts';
import { seekTo } from '../keyboard/keyboard.ts';
import { formatHeight, formatTrackName, listQualityNames, type Qualities, type Tracks } from '../tracks.ts';
import { Details } from './details.tsx';
import { type MenuItem, MenuList } from './menu-list.tsx';

export interface PlayerMenuProps {
  readonly video: RefObject<HTMLVideoElement | null>;
  readonly tracks: Tracks;
  readonly qualities: Qualities;
  readonly chapters: VideoDetails['chapters'];
  readonly appearance: Appearance;
  readonly siteName: string | undefined;
  readonly linkAt: ((ms: number) => string) | undefined;
  readonly playback: RefObject<Playback | undefined>;
  readonly onAppearance: (appearance: Appearance) => void;
  /** −1 switches captions off. */
  readonly onCaptions: (index: number) => void;
  readonly onHelp: () => void;
  readonly onClose: () => void;
}

type PageName =
  | 'main'
  | 'quality'
  | 'speed'
  | 'captions'
  | 'appearance'
  | 'size'
  | 'colour'
  | 'background'
  | 'audio'
  | 'chapters'
  | 'details';

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2] as const;
const PARENTS: Readonly<Record<PageName, PageName | undefined>> = {
  main: undefined,
  quality: 'main',
  speed: 'main',
  captions: 'main',
  appearance: 'captions',
  size: 'appearance',
  colour: 'appearance',
  background: 'appearance',
  audio: 'main',
  chapters: 'main',
  details: 'main',
};

export function PlayerMenu(props: PlayerMenuProps) {
  const { t } = useTranslation();
  const { onClose } = props;
  const ref = useRef<HTMLDivElement>(null);
  const [page, setPage] = useState<PageName>('main');
  const [before, setBefore] = useState<PageName>();
  const open = (next: PageName): void => {
    setBefore(page);
    setPage(next);
  };
  const parent = PARENTS[page];
  const onBack = parent === undefined ? undefined : () => open(parent);
  useEffect(() => {
    const onPointer = (event: PointerEvent): void => {
      const path = event.composedPath();
      const isInside = path.some(
        one =>
          one === ref.current || (one instanceof Element && one.matches('[data-testid=player-settings]')),
      );
      if (!isInside) onClose();
    };
    document.addEventListener('pointerdown', onPointer);
    return () => document.removeEventListener('pointerdown', onPointer);
  }, [onClose]);
  const { label, items } = usePage(page, open, props);
  return (
    <div class="player-menu" ref={ref} data-testid="player-menu">
      {page === 'details' ? (
        <Details siteName={props.siteName} playback={props.playback} onBack={() => open('main')} />
      ) : (
        <MenuList
          key={page}
          label={label}
          items={items}
          onBack={onBack}
          backLabel={t.player.back}
          onClose={onClose}
          focus={before}
        />
      )}
    </div>
  );
}

interface MenuPage {
  readonly label: string;
  readonly items: readonly MenuItem[];
}

function usePage(page: PageName, open: (page: PageName) => void, props: PlayerMenuProps): MenuPage {
  const main = useMainPage(open, props);
  const tracks = useTrackPages(open, props);
  const appearance = useAppearancePages(open, props);
  const pages: Partial<Record<PageName, MenuPage>> = { ...tracks, ...appearance };
  return pages[page] ?? main;
}

/** The main list. */
function useMainPage(open: (page: PageName) => void, props: PlayerMenuProps): MenuPage {
  const { t, language } = useTranslation();
  const { video, tracks, qualities, chapters = [], linkAt, onClose, onHelp } = props;
  const [isLoop, setLoop] = useState(video.current?.loop ?? false);
  const [isCopied, setCopied] = useState(false);
  const speed = video.current?.playbackRate ?? 1;
  const nowMs = (video.current?.currentTime ?? 0) * 1_000;
  const toPage = (id: PageName, label: string, value?: string): MenuItem => ({
    id,
    label,
    isPage: true,
    ...(value === undefined ? {} : { value }),
    onSelect: () => open(id),
  });
  const captions = tracks.captions[tracks.selectedCaptions];
  const audio = tracks.audioTracks[tracks.selectedAudio];
  const items: readonly (MenuItem | false)[] = [
    qualities.all.length > 1 && toPage('quality', t.player.quality, useQualityName(qualities)),
    toPage('speed', t.player.speed, speed === 1 ? t.player.normalSpeed : `${speed}×`),
    tracks.captions.length > 0 &&
      toPage(
        'captions',
        t.player.captions,
        captions ? (formatTrackName(captions, language) ?? t.player.on) : t.player.off,
      ),
    tracks.audioTracks.length > 1 &&
      toPage(
        'audio',
        t.player.audio,
        audio ? (formatTrackName(audio, language) ?? t.player.track(tracks.selectedAudio + 1)) : undefined,
      ),
    chapters.length > 0 && toPage('chapters', t.player.chapters),
    {
      id: 'loop',
      label: t.player.loop,
      isChecked: isLoop,
      isToggle: true,
      onSelect() {
        if (video.current) video.current.loop = !isLoop;
        setLoop(!isLoop);
      },
    },
    linkAt !== undefined && {
      id: 'copy-link',
      label: isCopied ? t.player.copied : t.player.copyLink(formatClock(Math.floor(nowMs / 1_000) * 1_000)),
      onSelect: () => void navigator.clipboard?.writeText(linkAt(nowMs)).then(() => setCopied(true)),
    },
    toPage('details', t.player.details.heading),
    {
      id: 'help',
      label: t.player.help,
      onSelect() {
        onClose();
        onHelp();
      },
    },
  ];
  return { label: t.player.settings, items: items.filter(item => item !== false) };
}

/** `Automatic: 720p`, or the name of the chosen rendition. */
function useQualityName({ all, selected, current }: Qualities): string {
  const { t, format } = useTranslation();
  if (selected >= 0) return listQualityNames(all, format.bitrate)[selected] ?? '';
  const playing = all[current];
  return playing ? t.player.automaticNow(formatHeight(playing)) : t.player.automatic;
}

/** The lists of renditions, speeds, tracks and chapters. */
function useTrackPages(
  open: (page: PageName) => void,
  props: PlayerMenuProps,
): Partial<Record<PageName, MenuPage>> {
  const { t, language, format } = useTranslation();
  const { video, tracks, qualities, chapters = [], playback, onCaptions, onClose } = props;
  const [speed, setSpeed] = useState(video.current?.playbackRate ?? 1);
  const automatic = useQualityName({ ...qualities, selected: -1 });
  const names = listQualityNames(qualities.all, format.bitrate);
  const byHeight = qualities.all
    .map((quality, index) => ({ quality, index }))
    .sort((a, b) => b.quality.height - a.quality.height || b.quality.bitrateBps - a.quality.bitrateBps);
  const positionMs = (video.current?.currentTime ?? 0) * 1_000;
  const currentChapter = chapters.findLastIndex(({ startMs }) => startMs <= positionMs);
  return {
    quality: {
      label: t.player.quality,
      items: [
        {
          id: 'quality-automatic',
          label: automatic,
          isChecked: qualities.selected < 0,
          onSelect: () => playback.current?.selectQuality(-1),
        },
        ...byHeight.map(({ index }) => ({
          id: `quality-${index}`,
          label: names[index] ?? '',
          isChecked: index === qualities.selected,
          onSelect: () => playback.current?.selectQuality(index),
        })),
      ],
    },
    speed: {
      label: t.player.speed,
      items: SPEEDS.map(value => ({
        id: `speed-${value}`,
        label: value === 1 ? t.player.normalSpeed : `${value}×`,
        isChecked: value === speed,
        onSelect() {
          if (video.current) video.current.playbackRate = value;
          setSpeed(value);
        },
      })),
    },
    captions: {
      label: t.player.captions,
      items: [
        {
          id: 'captions-off',
          label: t.player.off,
          isChecked: tracks.selectedCaptions < 0,
          onSelect: () => onCaptions(-1),
        },
        ...tracks.captions.map((track, index) => ({
          id: `captions-${index}`,
          label: formatTrackName(track, language) ?? t.player.track(index + 1),
          isChecked: index === tracks.selectedCaptions,
          onSelect: () => onCaptions(index),
        })),
        { id: 'appearance', label: t.player.appearance, isPage: true, onSelect: () => open('appearance') },
      ],
    },
    audio: {
      label: t.player.audio,
      items: tracks.audioTracks.map((track, index) => ({
        id: `audio-${index}`,
        label: formatTrackName(track, language) ?? t.player.track(index + 1),
        isChecked: index === tracks.selectedAudio,
        onSelect: () => playback.current?.selectAudioTrack(index),
      })),
    },
    chapters: {
      label: t.player.chapters,
      items: chapters.map(({ startMs, title }, index) => ({
        id: `chapter-${index}`,
        label: title,
        value: formatClock(startMs),
        isChecked: index === currentChapter,
        onSelect() {
          if (video.current) seekTo(video.current, startMs / 1_000);
          onClose();
        },
      })),
    },
  };
}

/** The lists for the appearance of captions. */
function useAppearancePages(
  open: (page: PageName) => void,
  { appearance, onAppearance }: PlayerMenuProps,
): Partial<Record<PageName, MenuPage>> {
  const { t } = useTranslation();
  const { sizes, colours, backgrounds } = t.player;
  const toPage = (id: PageName, label: string, value: string): MenuItem => ({
    id,
    label,
    value,
    isPage: true,
    onSelect: () => open(id),
  });
  const choices = <Name extends keyof Appearance>(
    name: Name,
    values: readonly Appearance[Name][],
    labels: Readonly<Record<Appearance[Name], string>>,
  ): readonly MenuItem[] =>
    values.map(value => ({
      id: `${name}-${value}`,
      label: labels[value],
      isChecked: appearance[name] === value,
      onSelect: () => onAppearance({ ...appearance, [name]: value }),
    }));
  return {
    appearance: {
      label: t.player.appearance,
      items: [
        toPage('size', t.player.size, sizes[appearance.size]),
        toPage('colour', t.player.colour, colours[appearance.colour]),
        toPage('background', t.player.background, backgrounds[appearance.background]),
      ],
    },
    size: { label: t.player.size, items: choices('size', SIZES, sizes) },
    colour: { label: t.player.colour, items: choices('colour', COLOURS, colours) },
    background: { label: t.player.background, items: choices('background', BACKGROUNDS, backgrounds) },
  };
}
