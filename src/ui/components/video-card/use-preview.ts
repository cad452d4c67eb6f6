/**
 * What a card shows of its video while somebody points at it or has moved the focus to it: tiles of its storyboard, which is loaded
 * only then. The pointer selects the moment by its horizontal position. With the focus, the tiles follow one another.
 */
import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { fetchStoryboard, findTile, type Tile } from '../../player/storyboard.ts';

/** A pointer that only passes over a card loads nothing. */
const HOVER_MS = 120;
const STEP_MS = 900;
const MAX_STORYBOARDS = 60;

export interface Preview {
  readonly tile: Tile;
  readonly seconds: number;
  /** The position in the video. */
  readonly fraction: number;
}

interface PreviewHandlers {
  readonly onPointerMove: (event: PointerEvent) => void;
  readonly onPointerLeave: () => void;
  readonly onFocusIn: (event: FocusEvent) => void;
  readonly onFocusOut: () => void;
}

/** `pointed`: a fraction of the width. `focused`: nobody points, and the card has the focus. */
type Mode = { readonly kind: 'none' | 'focused' } | { readonly kind: 'pointed'; readonly fraction: number };
const NONE: Mode = { kind: 'none' };

/** Storyboards never change: their addresses name the revision, or lead to the current one. */
const loaded = new Map<string, Promise<readonly Tile[]>>();

function loadStoryboard(url: string): Promise<readonly Tile[]> {
  const known = loaded.get(url);
  if (known) return known;
  const [oldest] = loaded.keys();
  if (loaded.size >= MAX_STORYBOARDS && oldest !== undefined) loaded.delete(oldest);
  const loading = fetchStoryboard(url, AbortSignal.timeout(10_000))
    .then(async tiles => {
      await loadSprite(tiles[0]?.sprite);
      return tiles;
    })
    .catch(() => {
      loaded.delete(url);
      return [];
    });
  loaded.set(url, loading);
  return loading;
}

/** The preview appears when its picture is there, not as a dark area before. */
async function loadSprite(url: string | undefined): Promise<void> {
  if (url === undefined) return;
  const image = new Image();
  image.src = url;
  await image.decode();
}

/** @param image the image of the card, over which the pointer selects the moment */
export function usePreview(storyboard: string | undefined, image: RefObject<HTMLElement | null>) {
  const [mode, setMode] = useState<Mode>(NONE);
  const [tiles, setTiles] = useState<readonly Tile[]>([]);
  const [step, setStep] = useState(0);
  const isWanted = mode.kind !== 'none' && storyboard !== undefined;

  useEffect(() => {
    if (!isWanted || storyboard === undefined) return undefined;
    let isOver = false;
    const timer = setTimeout(
      () => void loadStoryboard(storyboard).then(found => isOver || setTiles(found)),
      HOVER_MS,
    );
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [isWanted, storyboard]);

  const isMoving = mode.kind === 'focused' && tiles.length > 1;
  useEffect(() => {
    if (!isMoving) return undefined;
    const timer = setInterval(() => setStep(before => before + 1), STEP_MS);
    return () => clearInterval(timer);
  }, [isMoving]);

  const isStill = useRef(false);
  const handlers: PreviewHandlers = {
    onPointerMove(event) {
      if (event.pointerType !== 'mouse' || !image.current) return;
      const { left, width } = image.current.getBoundingClientRect();
      const fraction = Math.min(1, Math.max(0, (event.clientX - left) / Math.max(1, width)));
      setMode({ kind: 'pointed', fraction });
    },
    onPointerLeave: () => setMode(NONE),
    onFocusIn(event) {
      isStill.current = matchMedia('(prefers-reduced-motion: reduce)').matches;
      const isByKeyboard = event.target instanceof Element && event.target.matches(':focus-visible');
      if (!isByKeyboard || isStill.current) return;
      setStep(0);
      setMode({ kind: 'focused' });
    },
    onFocusOut: () => setMode(NONE),
  };
  return { preview: isWanted ? choosePreview(mode, tiles, step) : undefined, handlers };
}

function choosePreview(mode: Mode, tiles: readonly Tile[], step: number): Preview | undefined {
  const endSeconds = tiles.at(-1)?.toSeconds ?? 0;
  if (mode.kind === 'none' || endSeconds <= 0) return undefined;
  const followed = tiles[step % tiles.length]?.fromSeconds ?? 0;
  const seconds = mode.kind === 'pointed' ? mode.fraction * endSeconds : followed;
  const tile = findTile(tiles, seconds);
  return tile && { tile, seconds, fraction: Math.min(1, seconds / endSeconds) };
}
